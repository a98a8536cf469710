"""Long texts in windows, whose scores are averaged."""

import torch

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import check_number


def mean_of_windows(scores: torch.Tensor, owner: Ints, count: int) -> torch.Tensor:
    """Average the scores of the windows of each text.

    Args:
        scores: `(windows, labels)`, floating-point.
        owner: The text that each window is of, `(windows,)`.
        count: How many texts there are, each with at least one window.

    Returns:
        `(count, labels)`; exactly the score of its window for a text that has one.
    """
    owners = torch.from_numpy(owner).to(scores.device)
    windows = torch.bincount(owners, minlength=count).unsqueeze(1).to(scores.dtype)
    return scores.new_zeros(count, scores.shape[1]).index_add(0, owners, scores) / windows


def check_windows(max_length: int, overlap: int, *, special_tokens: int) -> None:
    """Refuse windows that hold no text, or no more than what they share with the next one.

    Args:
        max_length: Most pieces of a sequence, special tokens included.
        overlap: Fewest pieces that neighbouring windows share.
        special_tokens: How many of these a sequence has.

    Raises:
        ValueError: The setting can't be (E413).
    """
    lowest = f"above {special_tokens}"
    check_number("max_length", max_length, lambda n: n > special_tokens, lowest, whole=True)
    room = max_length - special_tokens
    check_number("overlap", overlap, lambda n: 0 <= n < room, f"from 0 to below {room}", whole=True)

"""Windows of long texts: their size, and the mean of their scores."""

from dataclasses import dataclass
from typing import Protocol

import torch

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import check_number


class HasWindows(Protocol):
    """Settings of a component that splits long texts."""

    @property
    def max_length(self) -> int:
        """Maximum number of pieces of a sequence, special tokens included."""

    @property
    def overlap(self) -> int:
        """Minimum number of pieces that neighbouring windows share."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Size and overlap of the windows of texts that are too long for one sequence.

    Attributes:
        max_length: Maximum number of pieces of a sequence, special tokens included.
        overlap: Minimum number of pieces that neighbouring windows share.
        special_tokens: Number of special tokens of a sequence.

    Raises:
        ValueError: A sequence can't hold a piece of text, or a window is not longer than the
            overlap (E413).
    """

    max_length: int
    overlap: int
    special_tokens: int

    def __post_init__(self) -> None:
        special = self.special_tokens
        check_number(
            "max_length", self.max_length, lambda n: n > special, f"above {special}", whole=True
        )
        longest = self.max_pieces
        check_number(
            "overlap",
            self.overlap,
            lambda n: 0 <= n < longest,
            f"from 0 to below {longest}",
            whole=True,
        )

    @classmethod
    def of(cls, settings: HasWindows, *, special_tokens: int) -> "Windows":
        """The windows of the settings of a component.

        Args:
            settings: Have `max_length` and `overlap`.
            special_tokens: Number of special tokens of a sequence.

        Returns:
            Size and overlap, checked.
        """
        return cls(
            max_length=settings.max_length, overlap=settings.overlap, special_tokens=special_tokens
        )

    @property
    def max_pieces(self) -> int:
        """Maximum number of pieces of a sequence without its special tokens."""
        return self.max_length - self.special_tokens


def mean_of_windows(scores: torch.Tensor, owner: Ints, count: int) -> torch.Tensor:
    """Average the scores of the windows of each text.

    Args:
        scores: `(windows, labels)`, floating-point.
        owner: The text of each window, `(windows,)`.
        count: Number of texts, each with at least one window.

    Returns:
        `(count, labels)`; the scores themselves for a text with one window.
    """
    owners = torch.from_numpy(owner).to(scores.device)
    windows = torch.bincount(owners, minlength=count).unsqueeze(1).to(scores.dtype)
    return scores.new_zeros(count, scores.shape[1]).index_add(0, owners, scores) / windows

"""Pieces that are masked at random, for a masked language model to learn from."""

from dataclasses import dataclass

import numpy as np
import torch

from spacy_deberta.arrays import Ints

# Of the chosen pieces, how many become a mask, and how many another piece; the rest stay.
MASKED = 0.8
REPLACED = 0.1


@dataclass(frozen=True, eq=False)
class MaskedPieces:
    """Pieces, some of which are hidden.

    Attributes:
        ids: What the model sees, `(pieces,)`.
        chosen: The places it is asked for, ascending, `(chosen,)`.
    """

    ids: Ints
    chosen: Ints


def mask_at_random(
    ids: Ints, *, probability: float, mask_token_id: int, vocab_size: int
) -> MaskedPieces:
    """Choose pieces, and hide most of them.

    What is chosen depends on torch's generator for the CPU, which spaCy seeds.

    Args:
        ids: The pieces, `(pieces,)`.
        probability: How likely a piece is chosen.
        mask_token_id: The id of the mask.
        vocab_size: From how many ids other pieces are drawn.

    Returns:
        The pieces.

    Source:
        Devlin et al. 2019 (arXiv 1810.04805), section 3.1.
    """
    chosen = np.flatnonzero(torch.rand(len(ids)).numpy() < probability)
    fate = torch.rand(len(chosen)).numpy()
    others = torch.randint(vocab_size, (len(chosen),)).numpy()
    hidden = np.where(fate < MASKED + REPLACED, others, ids[chosen])
    seen = ids.copy()
    seen[chosen] = np.where(fate < MASKED, mask_token_id, hidden)
    return MaskedPieces(seen, chosen)

"""Random masking of pieces for the training of a masked language model."""

from dataclasses import dataclass

import numpy as np
import torch

from spacy_deberta.arrays import Ints

# Shares of the chosen pieces that become a mask, and a random piece; the rest is unchanged.
MASKED = 0.8
REPLACED = 0.1


@dataclass(frozen=True, eq=False)
class MaskedPieces:
    """Pieces, some of which are masked.

    Attributes:
        ids: The input ids of the model, `(pieces,)`.
        chosen: Indices of the pieces to predict, ascending, `(chosen,)`.
    """

    ids: Ints
    chosen: Ints


def mask_at_random(
    ids: Ints, *, probability: float, mask_token_id: int, vocab_size: int
) -> MaskedPieces:
    """Choose random pieces to predict, and mask or replace most of them.

    The choice uses torch's CPU generator, which spaCy seeds.

    Args:
        ids: The pieces, `(pieces,)`.
        probability: Probability that a piece is chosen.
        mask_token_id: The id of the mask.
        vocab_size: Number of ids from which random pieces are drawn.

    Returns:
        The masked pieces.

    Source:
        Devlin et al. 2019 (arXiv 1810.04805), section 3.1.
    """
    chosen = np.flatnonzero(torch.rand(len(ids)).numpy() < probability)
    draws = torch.rand(len(chosen)).numpy()
    others = torch.randint(vocab_size, (len(chosen),)).numpy()
    hidden = np.where(draws < MASKED + REPLACED, others, ids[chosen])
    seen = ids.copy()
    seen[chosen] = np.where(draws < MASKED, mask_token_id, hidden)
    return MaskedPieces(seen, chosen)

"""Losses of vectors on pairs of texts."""

import torch
from torch import Tensor
from torch.nn import functional

# The inverse temperature of cosines, as in sentence-transformers.
SCALE = 20.0
# From this score on, the texts of a pair count as similar.
SIMILAR = 0.5


def cosine_loss(vectors: Tensor, scores: Tensor) -> Tensor:
    """The mean squared difference of cosines and scores.

    Args:
        vectors: `(2 * pairs, width)`: all first texts, then all second ones.
        scores: `(pairs,)`, from 0 to 1.
    """
    first, second = vectors.chunk(2)
    return functional.mse_loss(functional.cosine_similarity(first, second), scores)


def in_batch_loss(vectors: Tensor, scores: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy of each similar pair against the other second texts of the batch.

    Args:
        vectors: `(2 * pairs, width)`: all first texts, then all second ones.
        scores: `(pairs,)`, from 0 to 1. Pairs below `SIMILAR` are negatives only.
        same: `(pairs, pairs)`, whether two pairs share a text; they are no negatives of each other.

    Source: "multiple negatives ranking", Henderson et al. 2017 (arXiv:1705.00652), section 4.4.
    """
    first, second = functional.normalize(vectors, dim=-1).chunk(2)
    others = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    logits = (SCALE * first @ second.T).masked_fill(others, -torch.inf)
    positive = (scores >= SIMILAR).nonzero().flatten()
    if not len(positive):
        return vectors.sum() * 0.0
    one_way = functional.cross_entropy(logits[positive], positive)
    return (one_way + functional.cross_entropy(logits.T[positive], positive)) / 2

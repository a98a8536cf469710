"""Scores of queries and keys in the memory of their bias."""

import torch
from torch import Tensor

from spacy_deberta.nn.ops.integers import copy_as_integers

from .grouping import LengthGroup


def split_sequences(rows: Tensor, group: LengthGroup) -> Tensor:
    """View (heads, count * length, head_dim) as (heads * count, length, head_dim)."""
    return rows.unflatten(1, (group.count, group.length)).flatten(0, 1)


def compute_scores(query: Tensor, key: Tensor, bias: Tensor | None, group: LengthGroup) -> Tensor:
    """Products of queries and keys, plus a bias, without gradients.

    Args:
        query: (heads * count, length, head_dim).
        key: (heads * count, length, head_dim).
        bias: (heads, count, length, length), whose memory is used if it is contiguous;
            broadcastable to that; or None.
        group: Has the number and length of the sequences.

    Returns:
        (heads * count, length, length).
    """
    if bias is None:
        return torch.bmm(query, key.transpose(1, 2))
    if bias.dim() == 4:
        scores = (bias if bias.is_contiguous() else copy_as_integers(bias)).flatten(0, 1)
        return torch.baddbmm(scores, query, key.transpose(1, 2), out=scores)
    heads = len(query) // group.count
    expanded = bias.expand(heads, group.count, group.length, group.length).flatten(0, 1)
    return torch.baddbmm(expanded, query, key.transpose(1, 2))

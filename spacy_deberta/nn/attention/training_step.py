"""Attention with gradients on CPUs: scores, softmax, dropout and both position terms in one step.

Each pass over the scores takes as long as a product. Autograd has one for every operation of the
forward pass and more of the backward pass, and converts masks to floats. Here the scores are
computed in the memory of the bias, gradients by distance are copies of those by pair in the skewed
view, and sums over a transposed operand are products that transpose the smaller one.
"""

from typing import Any

import torch
from torch import Tensor

from spacy_deberta.nn.ops.dropout import draw_mask, dropout_scale, dropped_steps, zero_dropped
from spacy_deberta.nn.ops.integers import as_integers

from .grouping import LengthGroup
from .position_bias import blocks_of_rows, position_bias
from .scores import compute_scores, split_sequences
from .skew import key_by_pair, query_by_pair


def attend_on_cpu(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    position_key: Tensor | None,
    position_query: Tensor | None,
    group: LengthGroup,
    dropout: float,
) -> Tensor:
    """Attend within the sequences of a group, with gradients.

    Args:
        query: (heads, count * length, head_dim), scaled, contiguous as all rows.
        key: (heads, count * length, head_dim).
        value: (heads, count * length, head_dim).
        position_key: (heads, head_dim, 2 * length - 1) by descending distance, or None.
        position_query: (heads, head_dim, 2 * length - 1) by ascending distance, or None.
        group: Has the number and length of the sequences, and the padding.
        dropout: Dropout rate of the probabilities.

    Returns:
        The context, (count * length, heads, head_dim).

    Source: He et al. 2021, "DeBERTa", section 3.1, without the scale, which the arguments have.
    """
    context: Tensor = _AttendOnCPU.apply(
        query, key, value, position_key, position_query, group, dropout
    )
    return context.transpose(0, 1)


class _AttendOnCPU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        position_key: Tensor | None,
        position_query: Tensor | None,
        group: LengthGroup,
        dropout: float,
    ) -> Tensor:
        bias = position_bias(query, key, position_key, position_query, group)
        q, k, v = (split_sequences(rows, group) for rows in (query, key, value))
        probabilities = compute_scores(q, k, bias, group)
        torch.softmax(probabilities, -1, out=probabilities)
        dropped = dropped_steps(dropout)
        mask = draw_mask(probabilities.shape, dropped) if dropped else None
        ctx.scale = dropout_scale(dropped) if dropped else 1.0
        ctx.group = group
        ctx.save_for_backward(query, key, value, position_key, position_query, probabilities, mask)
        kept = probabilities if mask is None else zero_dropped(probabilities, mask)
        return torch.bmm(kept, v).mul_(ctx.scale).view(value.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_context: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, position_key, position_query, probabilities, mask = ctx.saved_tensors
        group = ctx.group
        q, k, v = (split_sequences(rows, group) for rows in (query, key, value))
        d_context = split_sequences(d_context.contiguous() * ctx.scale, group)
        d_probabilities = torch.bmm(d_context, v.transpose(1, 2))
        kept = probabilities
        if mask is not None:
            kept = zero_dropped(probabilities, mask)
            d_probabilities = zero_dropped(d_probabilities, mask)
        d_value = _sum_over_queries(kept, d_context).view(value.shape)
        del kept
        d_scores = torch._softmax_backward_data(
            d_probabilities, probabilities, -1, probabilities.dtype
        )
        d_query = torch.bmm(d_scores, k).view(query.shape)
        d_key = _sum_over_queries(d_scores, q).view(key.shape)
        by_pair = d_scores.unflatten(0, (len(query), group.count))
        d_position_key = _position_gradient(by_pair, query, d_query, position_key, group, rows=2)
        d_position_query = _position_gradient(by_pair, key, d_key, position_query, group, rows=3)
        return d_query, d_key, d_value, d_position_key, d_position_query, None, None


def _sum_over_queries(by_pair: Tensor, rows: Tensor) -> Tensor:
    """Product of the transposed (batch, query, key) with (batch, query, head_dim).

    Transposing the rows and the result takes half of the time of transposing the scores.
    """
    return torch.bmm(rows.transpose(1, 2), by_pair).transpose(1, 2).contiguous()


def _position_gradient(
    by_pair: Tensor,
    packed: Tensor,
    d_packed: Tensor,
    table: Tensor | None,
    group: LengthGroup,
    *,
    rows: int,
) -> Tensor | None:
    """The gradient of a position table. That of the rows it is multiplied with is added in place.

    Args:
        by_pair: (heads, count, query, key), the gradient of the scores.
        packed: (heads, count * length, head_dim), queries or keys.
        d_packed: The same shape, their gradient so far.
        table: (heads, head_dim, 2 * length - 1), or None.
        group: Has the number and length of the sequences.
        rows: Dimension of the rows in `by_pair`: 2 for queries, 3 for keys.

    Returns:
        The shape of the table; None without one.
    """
    if table is None:
        return None
    d_table = torch.zeros_like(table)
    shared = group.shared[::-1] if rows == 2 else group.shared
    for block, near, distances in blocks_of_rows(group, shared):
        size = block.stop - block.start
        d_by_distance = _invert_view(by_pair.narrow(rows, block.start, size), near, rows=rows)
        _add_rows(d_packed, d_by_distance, table[:, :, distances], block, group)
        d_table[:, :, distances] += _sum_over_rows(packed, d_by_distance, block, group)
    return d_table


def _invert_view(by_pair: Tensor, near: slice, *, rows: int) -> Tensor:
    """The gradient of scores by distance: the inverse of their view by pair, zero elsewhere.

    Args:
        by_pair: (heads, count, query, key), the gradient by pair of a block of rows.
        near: Where the scores are: see `blocks_of_rows`. The first and the last are also those of
            the pairs beyond.
        rows: Dimension of the rows, 2 or 3.

    Returns:
        (heads, count * block, near + block - 1).
    """
    heads, count = by_pair.shape[:2]
    size, others = by_pair.shape[rows], 5 - rows
    length = near.stop - near.start
    scores = by_pair.new_zeros(heads, count * size, length + size - 1)
    view = (query_by_pair if rows == 2 else key_by_pair)(scores, count=count)
    as_integers(view).copy_(as_integers(by_pair.narrow(others, near.start, length)))
    before, behind = near.start, by_pair.shape[others] - near.stop
    if before > 0:
        view.narrow(others, 0, 1).add_(by_pair.narrow(others, 0, before).sum(others, keepdim=True))
    if behind > 0:
        far = by_pair.narrow(others, near.stop, behind)
        view.narrow(others, -1, 1).add_(far.sum(others, keepdim=True))
    return scores


def _add_rows(
    d_rows: Tensor, d_by_distance: Tensor, table: Tensor, rows: slice, group: LengthGroup
) -> None:
    """Add the gradient of the product with a table to that of a block of rows, in place."""
    d_block = torch.bmm(d_by_distance, table.transpose(1, 2))
    by_sequence = d_rows.unflatten(1, (group.count, group.length))
    by_sequence[:, :, rows] += d_block.unflatten(1, (group.count, -1))


def _sum_over_rows(
    packed: Tensor, d_by_distance: Tensor, rows: slice, group: LengthGroup
) -> Tensor:
    """The gradient of a table, (heads, head_dim, distances), from a block of rows."""
    block = packed.unflatten(1, (group.count, group.length))[:, :, rows].flatten(1, 2)
    return torch.bmm(block.transpose(1, 2), d_by_distance)

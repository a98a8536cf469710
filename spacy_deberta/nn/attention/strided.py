"""Attention in plain torch for every device: both position terms are strided views, no gather."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from spacy_deberta.nn.ops.dropout import drop_out

from .grouping import GroupPlan, LengthGroup, plan_groups
from .interface import AttentionInputs, Attentions, BatchLayout
from .position_bias import expand_table, is_half_on_cpu, position_bias
from .scores import compute_scores, split_sequences
from .training_step import attend_on_cpu

# Position keys and position queries; None for a term that the model lacks.
Tables = tuple[Tensor | None, Tensor | None]


@dataclass(frozen=True)
class StridedAttention:
    """Batches sequences of similar length, with position tables expanded to one row per distance.

    Up to a length of 129, distances and reachable slots are the same, so that a matrix product with
    either costs the same. Longer sequences are split into blocks of rows, which reach fewer
    distances: as many as there are slots at 256, a quarter more at 512. That avoids the gather of
    (heads, length, length) scores, which costs more.

    With L pieces, heads of D and blocks of B rows, a head takes 4 L^2 D operations for content and
    values, as attention without positions does, and 2 L (L + B - 1) D for each position term: three
    times as many in total at L = B, 2.25 times at L = 4 B, and close to twice beyond. On CPUs, far
    pairs take the score of one of them: where all distances from N on share a row of the tables, a
    position term takes at most 4 L (N + B) D operations, which grow with L and not its square.
    """

    name: str = "strided"
    takes_query_rows: bool = False

    def plan(self, layout: BatchLayout) -> GroupPlan:
        """Group the sequences: see `AttentionKernel.plan`."""
        return plan_groups(layout)

    def __call__(
        self, inputs: AttentionInputs, plan: GroupPlan
    ) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`."""
        query, key, value = inputs.query, inputs.key, inputs.value
        position_query = inputs.position_query
        needs_grad = torch.is_grad_enabled() and any(
            rows is not None and rows.requires_grad
            for rows in (query, key, value, inputs.position_key, position_query)
        )
        explicit = needs_grad or inputs.dropout > 0 or inputs.return_attentions
        # Scaling rows is cheaper than scaling scores, and avoids overflow of scores in half
        # precision. The first two terms contain the query, the third one the table.
        query = query * inputs.scale
        if position_query is not None:
            position_query = position_query * inputs.scale
        tables = (inputs.position_key, position_query)
        blocks = zip(*(_blocks(packed, plan) for packed in (query, key, value)), strict=True)
        contexts = [value[:0]]
        attentions = [value.new_zeros(value.shape[1], 0, 0)] * plan.sequences
        for group, rows in zip(plan.groups, blocks, strict=True):
            if explicit and value.is_cpu and not inputs.return_attentions:
                contexts.append(_attend_with_gradients(rows, tables, group, inputs.dropout))
                continue
            context, probabilities = _attend_group(rows, tables, group, inputs.dropout, explicit)
            contexts.append(context)
            if inputs.return_attentions and probabilities is not None:
                members = enumerate(zip(group.sequences, group.lengths, strict=True))
                for place, (index, length) in members:
                    attentions[index] = probabilities[:, place, :length, :length]
        context = contexts[1] if len(contexts) == 2 else torch.cat(contexts)
        if plan.restore is not None:
            context = context.index_select(0, plan.restore)
        return context, tuple(attentions) if inputs.return_attentions else None


def _blocks(packed: Tensor, plan: GroupPlan) -> list[Tensor]:
    """Rows of every group: (heads, count * length, head_dim), views of (row, head, ..).

    One gather and one split for all groups: in the backward pass, each gather costs as much as the
    whole batch.
    """
    rows = packed if plan.rows is None else packed.index_select(0, plan.rows)
    return [block.transpose(0, 1) for block in rows.split(plan.sizes)]


def _attend_with_gradients(
    rows: tuple[Tensor, ...], tables: Tables, group: LengthGroup, dropout: float
) -> Tensor:
    """As `_attend_group` with `explicit` on CPUs, without probabilities."""
    query, key, value = (block.contiguous() for block in rows)
    position_key = expand_table(tables[0], group.descending)
    position_query = expand_table(tables[1], group.ascending)
    return attend_on_cpu(query, key, value, position_key, position_query, group, dropout)


def _attend_group(
    rows: tuple[Tensor, ...],
    tables: Tables,
    group: LengthGroup,
    dropout: float,
    explicit: bool,
) -> tuple[Tensor, Tensor | None]:
    """Attend within the sequences of one group.

    Args:
        rows: Queries (scaled), keys and values, each (heads, count * length, head_dim).
        tables: Position keys, and position queries (scaled), each (reachable_slots, heads,
            head_dim) or None.
        group: The sequences.
        dropout: Dropout rate of the probabilities.
        explicit: Whether to compute probabilities, and not only their product with values.

    Returns:
        The context, (count * length, heads, head_dim), and the probabilities,
        (heads, count, length, length), if computed.
    """
    query, key, value = rows
    position_key = expand_table(tables[0], group.descending)
    position_query = expand_table(tables[1], group.ascending)
    if explicit:
        # Autograd saves all activations anyway, so chunks of heads would save no memory. Computed
        # at once, the products with positions and with pieces save the same rows.
        query, key, value = (block.contiguous() for block in rows)
        bias = position_bias(query, key, position_key, position_query, group)
        return _attend_explicitly(query, key, value, bias, group, dropout)
    contexts = []
    for first in range(0, len(query), group.heads):
        some = slice(first, first + group.heads)
        bias = position_bias(
            query[some],
            key[some],
            None if position_key is None else position_key[some],
            None if position_query is None else position_query[some],
            group,
        )
        if bias is not None and bias.dim() == 4 and is_half_on_cpu(bias):
            context = _attend_in_place(query[some], key[some], value[some], bias, group)
        else:
            context = _attend_fused(query[some], key[some], value[some], bias, group)
        contexts.append(context)
    return contexts[0] if len(contexts) == 1 else torch.cat(contexts, dim=1), None


def _attend_in_place(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, group: LengthGroup
) -> Tensor:
    """As `_attend_fused`, with the scores in the memory of the bias, (heads, count, query, key).

    For half precision on CPUs, where the fused kernel takes half as long again.
    """
    q, k, v = (split_sequences(rows, group) for rows in (query, key, value))
    scores = compute_scores(q, k, bias, group)
    torch.softmax(scores, -1, out=scores)
    context = torch.bmm(scores, v).view(len(query), -1, v.shape[-1])
    return context.transpose(0, 1)


def _attend_fused(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, group: LengthGroup
) -> Tensor:
    """Softmax and weighted sum of the values, with torch's fused kernel.

    Args:
        query: (heads, count * length, head_dim), scaled.
        key: (heads, count * length, head_dim).
        value: (heads, count * length, head_dim).
        bias: Broadcasts to (heads, count, length, length), or None.
        group: Has the number and length of the sequences.

    Returns:
        (count * length, heads, head_dim).
    """
    shape = (group.count, group.length)
    # With sequences first, the result has the memory layout of packed rows.
    q, k, v = (rows.unflatten(1, shape).transpose(0, 1) for rows in (query, key, value))
    if bias is not None:
        bias = bias.expand(len(query), *shape, group.length).transpose(0, 1)
    context = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
    return context.transpose(1, 2).flatten(0, 1)


def _attend_explicitly(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    group: LengthGroup,
    dropout: float,
) -> tuple[Tensor, Tensor]:
    """Softmax and weighted sum of the values, with gradients and dropout.

    Args:
        query: (heads, count * length, head_dim), scaled.
        key: (heads, count * length, head_dim).
        value: (heads, count * length, head_dim).
        bias: Broadcasts to (heads, count, length, length), or None.
        group: Has the number and length of the sequences.
        dropout: Dropout rate of the probabilities.

    Returns:
        The context, (count * length, heads, head_dim), and the probabilities,
        (heads, count, length, length).
    """
    heads, shape = len(query), (group.count, group.length)
    q, k, v = (split_sequences(rows, group) for rows in (query, key, value))
    if bias is None:
        scores = torch.bmm(q, k.transpose(1, 2))
    else:
        by_pair = bias.expand(heads, *shape, group.length).flatten(0, 1)
        scores = torch.baddbmm(by_pair, q, k.transpose(1, 2))
    # On accelerators, the sum over a long sequence loses too much in half precision. On CPUs torch
    # sums in float32 in any case.
    precise = torch.float32 if scores.dtype.itemsize < 4 and not scores.is_cpu else scores.dtype
    probabilities = functional.softmax(scores, dim=-1, dtype=precise).to(v.dtype)
    probabilities = drop_out(probabilities, dropout)
    context = torch.bmm(probabilities, v).view(heads, -1, v.shape[-1])
    return context.transpose(0, 1), probabilities.unflatten(0, (heads, group.count))

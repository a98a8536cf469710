"""Attention kernel for a subset of query rows."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spacy_deberta.nn.ops.dropout import drop_out
from spacy_deberta.nn.ops.transfer import send

from .interface import AttentionInputs, Attentions, BatchLayout


@dataclass(frozen=True)
class RowPlan:
    """The sequences with queries, as one padded block of queries and one of keys.

    Args:
        sequences: Indices, within the batch, of the sequences with queries.
        query_counts: Number of queries of each.
        lengths: Number of pieces of every sequence of the batch.
        queries: (count * most_queries,) int64. Gather index of the queries for the block; an
            arbitrary query in padding.
        keys: (count * longest,) int64. Gather index of the packed key rows; the last one of the
            sequence in padding.
        padding: (count, 1, 1, longest) bool, True in the padding of the keys; None without padding.
        slots: (count, 1, most_queries, longest) int64, row of the position tables for every pair;
            None without relative positions.
        places: (query_rows,) int64, the index of every query in the flattened block.
    """

    sequences: tuple[int, ...]
    query_counts: tuple[int, ...]
    lengths: tuple[int, ...]
    queries: Tensor
    keys: Tensor
    padding: Tensor | None
    slots: Tensor | None
    places: Tensor

    @property
    def count(self) -> int:
        """Number of sequences with queries."""
        return len(self.sequences)


@dataclass(frozen=True)
class RowAttention:
    """A kernel for a subset of query rows; keys and values are those of all rows.

    The enhanced mask decoder needs only the masked pieces, about a seventh. All are computed at
    once, padded to the maximum number of queries of a sequence.
    """

    name: str = "rows"
    takes_query_rows: bool = True

    def plan(self, layout: BatchLayout) -> RowPlan:
        """Find the sequences of the query rows: see `AttentionKernel.plan`.

        Rows on a device synchronize it.
        """
        device = layout.cu_seqlens.device
        lengths = np.array(layout.lengths, dtype=np.int64)
        if layout.query_rows is None:
            rows = np.arange(lengths.sum())
        else:
            rows = layout.query_rows.detach().cpu().numpy()
        stops = lengths.cumsum()
        sequence = np.searchsorted(stops, rows, side="right")
        used, member = np.unique(sequence, return_inverse=True)
        counts = np.bincount(member)
        rank = np.empty_like(rows)
        order = np.argsort(member, kind="stable")
        rank[order] = np.arange(len(rows)) - np.repeat(counts.cumsum() - counts, counts)
        places = member * counts.max(initial=0) + rank
        queries = np.zeros((len(used), counts.max(initial=0)), dtype=np.int64)
        queries.reshape(-1)[places] = np.arange(len(rows))
        firsts, own_lengths = (stops - lengths)[used, None], lengths[used, None]
        columns = np.arange(own_lengths.max(initial=0))
        padding = columns >= own_lengths
        columns = np.minimum(columns, own_lengths - 1)
        slots = None
        if layout.slots is not None:
            # In padding, an arbitrary valid distance. There are many pairs, so their slots are
            # computed on the device.
            within = send((rows - (stops - lengths)[sequence])[queries], device)
            index = within[..., None] - send(columns, device)[:, None] + max(layout.lengths) - 1
            slots = layout.slots.rows[index][:, None]
        return RowPlan(
            sequences=tuple(used.tolist()),
            query_counts=tuple(counts.tolist()),
            lengths=layout.lengths,
            queries=send(queries.reshape(-1), device),
            keys=send((firsts + columns).reshape(-1), device),
            padding=(send(padding[:, None, None], device) if padding.any() else None),
            slots=slots,
            places=send(places, device),
        )

    def __call__(self, inputs: AttentionInputs, plan: RowPlan) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`."""
        position_key, position_query = inputs.position_key, inputs.position_query
        if not plan.count:
            none = inputs.value.new_zeros(0, inputs.value.shape[1], 0, 0)
            return inputs.value[:0], _by_sequence(none, plan) if inputs.return_attentions else None
        # Scales rows instead of scores: unscaled scores could overflow in half precision.
        q = _block(inputs.query * inputs.scale, plan.queries, plan.count)
        k, v = (_block(rows, plan.keys, plan.count) for rows in (inputs.key, inputs.value))
        scores = q @ k.transpose(2, 3)  # (count, heads, query, key)
        if plan.slots is not None:
            slots = plan.slots.expand(scores.shape)
            if position_key is not None:
                to_slots = q @ position_key.permute(1, 2, 0)  # (count, heads, query, slots)
                scores = scores + to_slots.gather(3, slots)
            if position_query is not None:
                to_slots = k @ (position_query * inputs.scale).permute(1, 2, 0)
                scores = scores + to_slots.gather(3, slots.transpose(2, 3)).transpose(2, 3)
        if plan.padding is not None:
            scores = scores.masked_fill(plan.padding, float("-inf"))
        # In half precision, the sum over a long sequence loses too much precision.
        precise = torch.float32 if scores.dtype.itemsize < 4 else scores.dtype
        probabilities = functional.softmax(scores, dim=-1, dtype=precise).to(v.dtype)
        probabilities = drop_out(probabilities, inputs.dropout)
        context = (probabilities @ v).transpose(1, 2).flatten(0, 1)
        context = context.index_select(0, plan.places)
        return context, _by_sequence(probabilities, plan) if inputs.return_attentions else None


def _by_sequence(probabilities: Tensor, plan: RowPlan) -> Attentions:
    """Split probabilities by sequence of the batch, without padding."""
    heads = probabilities.shape[1]
    attentions = [probabilities.new_zeros(heads, 0, length) for length in plan.lengths]
    for place, (index, queries) in enumerate(zip(plan.sequences, plan.query_counts, strict=True)):
        attentions[index] = probabilities[place, :, :queries, : plan.lengths[index]]
    return tuple(attentions)


def _block(packed: Tensor, index: Tensor, count: int) -> Tensor:
    """Gather (rows, heads, head_dim) to one block, (count, heads, rows, head_dim)."""
    return packed.index_select(0, index).unflatten(0, (count, -1)).transpose(1, 2)

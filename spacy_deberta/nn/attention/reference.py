"""Reference attention, straight from the formula: the oracle of all other kernels."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spacy_deberta.nn.ops.transfer import send

from .interface import AttentionInputs, Attentions, BatchLayout, sequence_starts


@dataclass(frozen=True)
class ReferenceAttention:
    """One sequence at a time, with scores gathered by slot. Slow and easy to verify."""

    name: str = "reference"
    takes_query_rows: bool = True

    def plan(self, layout: BatchLayout) -> BatchLayout:
        """Nothing to prepare: see `AttentionKernel.plan`."""
        return layout

    def __call__(
        self, inputs: AttentionInputs, plan: BatchLayout
    ) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`."""
        position_key, position_query = inputs.position_key, inputs.position_query
        longest = max(plan.lengths, default=0)
        contexts, attentions = [inputs.value[:0]], []
        queries = _queries(plan)
        starts = sequence_starts(plan.lengths)
        for (own, places), start, length in zip(queries, starts, plan.lengths, strict=True):
            pieces = slice(start, start + length)
            # (heads, length, head_dim)
            q = inputs.query[own].transpose(0, 1)
            k, v = (part[pieces].transpose(0, 1) for part in (inputs.key, inputs.value))
            scores = q @ k.transpose(1, 2)
            if plan.slots is not None:
                slots = _pair_slots(places, length, longest, plan.slots.rows)
                if position_key is not None:
                    to_slots = q @ position_key.permute(1, 2, 0)  # (heads, query, slots)
                    scores = scores + to_slots.gather(2, slots.expand(len(q), -1, -1))
                if position_query is not None:
                    to_slots = k @ position_query.permute(1, 2, 0)  # (heads, key, slots)
                    by_key = to_slots.gather(2, slots.T.expand(len(k), -1, -1))
                    scores = scores + by_key.transpose(1, 2)
            probabilities = functional.softmax(
                scores * inputs.scale, dim=-1, dtype=_softmax_type(scores)
            )
            probabilities = functional.dropout(
                probabilities.to(v.dtype), p=inputs.dropout, training=inputs.dropout > 0
            )
            contexts.append((probabilities @ v).transpose(0, 1))
            attentions.append(probabilities)
        context = torch.cat(contexts)
        if plan.query_rows is not None:
            order = torch.cat([own for own, _ in queries])
            context = context.index_select(0, order.argsort())
        return context, tuple(attentions) if inputs.return_attentions else None


def _queries(layout: BatchLayout) -> list[tuple[Any, Tensor]]:
    """For each sequence, the indices of its queries and their positions in it."""
    device = layout.cu_seqlens.device
    spans = zip(sequence_starts(layout.lengths), layout.lengths, strict=True)
    if layout.query_rows is None:
        return [
            (slice(start, start + length), torch.arange(length, device=device))
            for start, length in spans
        ]
    rows = layout.query_rows.cpu()
    owned = [
        (((rows >= start) & (rows < start + length)).nonzero().squeeze(1), start)
        for start, length in spans
    ]
    return [(send(own, device), send(rows[own] - start, device)) for own, start in owned]


def _pair_slots(places: Tensor, length: int, longest: int, rows: Tensor) -> Tensor:
    """Row of the position tables for every (query, key): (queries, length) int64."""
    keys = torch.arange(length, device=rows.device)
    return rows[places[:, None] - keys[None, :] + longest - 1]


def _softmax_type(scores: Tensor) -> torch.dtype:
    # In half precision, the sum over a long sequence loses too much precision.
    return torch.float32 if scores.dtype.itemsize < 4 else scores.dtype

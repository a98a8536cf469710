"""Attention as the maths reads: the oracle that every other kernel is held to."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .interface import Attentions, BatchLayout


@dataclass(frozen=True)
class ReferenceAttention:
    """One sequence at a time, scores gathered by slot. Slow, and easy to believe."""

    name: str = "reference"

    def plan(self, layout: BatchLayout) -> BatchLayout:
        """Nothing to prepare: see `AttentionKernel.plan`."""
        return layout

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        position_key: Tensor | None,
        position_query: Tensor | None,
        plan: BatchLayout,
        *,
        scale: float,
        dropout: float = 0.0,
        return_attentions: bool = False,
    ) -> tuple[Tensor, Attentions | None]:
        """Attend: see `AttentionKernel`."""
        longest = max(plan.lengths, default=0)
        sequences = zip(
            query.split(plan.lengths),
            key.split(plan.lengths),
            value.split(plan.lengths),
            strict=True,
        )
        contexts, attentions = [value[:0]], []
        for rows in sequences:
            q, k, v = (part.transpose(0, 1) for part in rows)  # (heads, length, head_dim)
            scores = q @ k.transpose(1, 2)
            if plan.slots is not None:
                slots = _pair_slots(q.shape[1], longest, plan.slots.rows)
                if position_key is not None:
                    to_slots = q @ position_key.permute(1, 2, 0)  # (heads, query, slots)
                    scores = scores + to_slots.gather(2, slots.expand(len(q), -1, -1))
                if position_query is not None:
                    to_slots = k @ position_query.permute(1, 2, 0)  # (heads, key, slots)
                    by_key = to_slots.gather(2, slots.T.expand(len(k), -1, -1))
                    scores = scores + by_key.transpose(1, 2)
            probabilities = functional.softmax(scores * scale, dim=-1, dtype=_softmax_type(scores))
            probabilities = functional.dropout(
                probabilities.to(v.dtype), p=dropout, training=dropout > 0
            )
            contexts.append((probabilities @ v).transpose(0, 1))
            attentions.append(probabilities)
        return torch.cat(contexts), tuple(attentions) if return_attentions else None


def _pair_slots(length: int, longest: int, rows: Tensor) -> Tensor:
    """Row of the position tables for every (query, key): (length, length) int64."""
    place = torch.arange(length, device=rows.device)
    return rows[place[:, None] - place[None, :] + longest - 1]


def _softmax_type(scores: Tensor) -> torch.dtype:
    # The sum over a long sequence loses too much in half precision.
    return torch.float32 if scores.dtype.itemsize < 4 else scores.dtype

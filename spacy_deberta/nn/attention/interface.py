"""The interface of attention kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from spacy_deberta.nn.relative_positions import SlotTable

# Per sequence of the batch: (heads, queries, length).
Attentions = tuple[Tensor, ...]


@dataclass(frozen=True)
class BatchLayout:
    """Everything about a batch that attention has to know, the same for every layer.

    Args:
        lengths: Number of pieces of every sequence, on the host. May hold zeros.
        cu_seqlens: (sequences + 1,) int32, on the device. Where every sequence starts.
        num_heads: Number of attention heads.
        slots: Row of the position tables for every distance, for the longest sequence; None if
            there are no relative positions.
        query_rows: (query_rows,) int64, the packed rows that have a query, in any order; None for
            all rows in their order. On the host, they make nothing wait for a device.
    """

    lengths: tuple[int, ...]
    cu_seqlens: Tensor
    num_heads: int
    slots: SlotTable | None
    query_rows: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class AttentionInputs:
    """What a layer hands a kernel.

    Args:
        query: (query_rows, heads, head_dim) of any floating point type, one row for each query of
            the layout. May come from other states than key and value.
        key: (total_pieces, heads, head_dim).
        value: (total_pieces, heads, head_dim).
        position_key: (reachable_slots, heads, head_dim), content to position; or None.
        position_query: (reachable_slots, heads, head_dim), position to content; or None.
        scale: What scores are multiplied with.
        dropout: Rate of the dropout of the probabilities; 0 outside of training.
        return_attentions: Whether to return the probabilities (after dropout).
    """

    query: Tensor
    key: Tensor
    value: Tensor
    position_key: Tensor | None
    position_query: Tensor | None
    scale: float
    dropout: float = 0.0
    return_attentions: bool = False


class AttentionKernel(Protocol):
    """Disentangled attention over packed sequences.

    With d = i - j, the score of query i and key j of the same sequence is

        scale * (q[i] . k[j] + q[i] . position_key[row(d)] + k[j] . position_query[row(d)])

    where row(d) comes from the layout's slots, and a term whose table is None is left out.
    Pieces attend to all pieces of their own sequence and to no others.

    A kernel may assume that the batch is the one it made the plan for. It must not change its
    arguments, keep anything between calls, or wait for the device.

    Source: He et al. 2021 (arXiv 2006.03654), section 3.1, equations 2 to 4, with the sign of the
        distance that the authors' code has (see `relative_positions`).
    """

    @property
    def name(self) -> str:
        """Under which the kernel is registered."""

    @property
    def takes_query_rows(self) -> bool:
        """Whether it computes some rows only, if the layout has `query_rows`."""

    def plan(self, layout: BatchLayout) -> Any:
        """Prepare a batch, once for all layers.

        Args:
            layout: The batch.

        Returns:
            Whatever the kernel wants to be called with.
        """

    def __call__(self, inputs: AttentionInputs, plan: Any) -> tuple[Tensor, Attentions | None]:
        """Attend.

        Args:
            inputs: Queries, keys, values and positions of one layer.
            plan: Made by `plan` for this batch.

        Returns:
            The context, (query_rows, heads, head_dim), and the probabilities or None.
        """


@dataclass(frozen=True)
class AttentionContext:
    """What the layers of one forward pass share.

    Args:
        kernel: Computes the attention.
        plan: The kernel's plan for this batch.
        positions: (reachable_slots, hidden_size), the reachable rows of the table of relative
            positions, normalized if the model does that; None if it has none, or if the layers
            have projected them already.
        slots: Which rows of the table those are; None without relative positions.
    """

    kernel: AttentionKernel
    plan: Any
    positions: Tensor | None
    slots: SlotTable | None


def sequence_starts(lengths: Sequence[int]) -> list[int]:
    """Row of the first piece of every sequence."""
    starts, total = [], 0
    for length in lengths:
        starts.append(total)
        total += length
    return starts

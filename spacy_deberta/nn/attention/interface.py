"""The interface of attention kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from spacy_deberta.nn.relative_positions import SlotTable

# Per sequence of the batch: (heads, queries, length).
Attentions = tuple[Tensor, ...]


@dataclass(frozen=True)
class BatchLayout:
    """Layout of a batch for attention, the same for all layers.

    Args:
        lengths: Number of pieces of every sequence, on the host. May hold zeros.
        cu_seqlens: (sequences + 1,) int32, on the device. Start row of every sequence.
        num_heads: Number of attention heads.
        slots: Row of the position tables for every distance, for the longest sequence; None
            without relative positions.
        query_rows: (query_rows,) int64, the packed rows with a query, in any order; None for all
            rows in order. Indices on the host avoid device synchronization.
        dtype: Dtype of the products, by which kernels may choose how to divide them.
    """

    lengths: tuple[int, ...]
    cu_seqlens: Tensor
    num_heads: int
    slots: SlotTable | None
    query_rows: Tensor | None = None
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True, kw_only=True)
class AttentionInputs:
    """Inputs of a kernel from one layer.

    Args:
        query: (query_rows, heads, head_dim) of any floating-point dtype, one row per query of the
            layout. May be projected from other states than key and value.
        key: (total_pieces, heads, head_dim).
        value: (total_pieces, heads, head_dim).
        position_key: (reachable_slots, heads, head_dim), content to position; or None.
        position_query: (reachable_slots, heads, head_dim), position to content; or None.
        scale: Scale of the attention scores.
        dropout: Dropout rate of the probabilities; 0 outside of training.
        return_attentions: Whether to return the attention probabilities (after dropout).
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

    where row(d) comes from the layout's slots, and a term whose table is None is omitted.
    Pieces attend to all pieces of their own sequence and to no others.

    A kernel may assume that the plan was made for the batch. It must not modify its arguments,
    keep state between calls, or synchronize the device.

    Source: He et al. 2021 (arXiv 2006.03654), section 3.1, equations 2 to 4, with the sign of the
        distance as in the authors' code (see `relative_positions`).
    """

    @property
    def name(self) -> str:
        """Name in the registry."""

    @property
    def takes_query_rows(self) -> bool:
        """Whether it supports `query_rows` of a layout."""

    def plan(self, layout: BatchLayout) -> Any:
        """Prepare a batch, once for all layers.

        Args:
            layout: The batch.

        Returns:
            The kernel's plan, passed to every call.
        """

    def __call__(self, inputs: AttentionInputs, plan: Any) -> tuple[Tensor, Attentions | None]:
        """Attend.

        Args:
            inputs: Queries, keys, values and positions of one layer.
            plan: Made by `plan` for this batch.

        Returns:
            The context, (query_rows, heads, head_dim), and the probabilities or None.
        """


class StaticPlan(Protocol):
    """A plan for all batches up to a size, whose tensors are refilled in place."""

    @property
    def plan(self) -> Any:
        """The kernel's plan."""

    def fill(self, lengths: Sequence[int]) -> None:
        """Replace the batch by one with these numbers of pieces, without synchronization."""


@runtime_checkable
class StaticKernel(AttentionKernel, Protocol):
    """A kernel whose calls differ in the values of tensors alone, so that a CUDA graph can repeat
    them.
    """

    @property
    def block(self) -> int:
        """Rows per block. Every sequence has blocks of its own."""

    def static_plan(
        self, slots: SlotTable | None, *, heads: int, blocks: int, device: torch.device
    ) -> StaticPlan:
        """Make a plan for prediction, of an empty batch.

        Args:
            slots: For the maximum length; None without relative positions.
            heads: Number of attention heads.
            blocks: Maximum number of blocks, even.
            device: Device of the batches.
        """


@dataclass(frozen=True)
class AttentionContext:
    """State shared by the layers of one forward pass.

    Args:
        kernel: The attention kernel.
        plan: The kernel's plan for this batch.
        positions: (reachable_slots, hidden_size), the reachable rows of the relative position
            table, normalized if the model does so; None without a table, or if the layers have
            cached projections.
        slots: The slots of those rows; None without relative positions.
    """

    kernel: AttentionKernel
    plan: Any
    positions: Tensor | None
    slots: SlotTable | None


def sequence_starts(lengths: Sequence[int]) -> list[int]:
    """Row index of the first piece of every sequence."""
    starts, total = [], 0
    for length in lengths:
        starts.append(total)
        total += length
    return starts

"""Grouping of sequences by length for the strided kernel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spacy_deberta.nn.ops.processor import has_amx
from spacy_deberta.nn.ops.transfer import send

from .interface import BatchLayout, sequence_starts

# Maximum padding of a sequence in a group: an eighth of the group's length, or a few rows for
# sequences so short that call overhead exceeds the arithmetic.
_WASTE = 8
_WASTE_ROWS = 8

# Maximum number of scores in memory at once: those that fit the caches of a CPU, and those that
# keep an accelerator busy without filling its memory.
_SCORES_CPU = 2**21
# On AMX tiles, products are so fast that the number of calls counts more than the caches.
_SCORES_AMX = 2**23
_SCORES_ACCELERATOR = 2**27

# Maximum number of rows of a sequence to score against distances at once.
_ROWS = 128

# Heads that fit on a CPU at once, at least: products of few heads and many sequences read each
# position table less often than those of many heads and few sequences.
_FEWEST_HEADS = 2


@dataclass(frozen=True)
class LengthGroup:
    """Sequences of similar length, as one block of `count * length` rows.

    Args:
        sequences: Their indices within the batch.
        lengths: Their lengths, at most `length`.
        length: Rows per sequence in the block.
        padding: (count, 1, length) bool, True in padding; None without padding.
        descending: (2 * length - 1,) int64, row of the position tables by descending distance;
            None without relative positions.
        ascending: The same by ascending distance.
        shared: Number of distances with the same row as the lowest one, and as the highest one; 1
            where that is not known on the host, or has no use.
        block: Maximum number of rows of a sequence to score against distances at once.
        heads: Number of heads to compute at once.
    """

    sequences: tuple[int, ...]
    lengths: tuple[int, ...]
    length: int
    padding: Tensor | None
    descending: Tensor | None
    ascending: Tensor | None
    shared: tuple[int, int]
    block: int
    heads: int

    @property
    def count(self) -> int:
        """Number of sequences."""
        return len(self.sequences)


@dataclass(frozen=True)
class GroupPlan:
    """A batch split into groups.

    Args:
        groups: Every sequence that isn't empty is in exactly one.
        sizes: Number of rows in the block of every group.
        rows: (sum of sizes,) int64, gather index of packed rows for the concatenated blocks;
            padding repeats a row of its sequence. None if it is the identity.
        restore: (total_pieces,) int64, the inverse; None in the same case.
        sequences: Number of sequences in the batch, empty ones included.
    """

    groups: tuple[LengthGroup, ...]
    sizes: tuple[int, ...]
    rows: Tensor | None
    restore: Tensor | None
    sequences: int


def plan_groups(layout: BatchLayout) -> GroupPlan:
    """Group the sequences of a batch by similar length.

    Args:
        layout: The batch.

    Returns:
        The groups, with indices on the device of the batch. The device is not synchronized.
    """
    device = layout.cu_seqlens.device
    limit = _SCORES_CPU if device.type == "cpu" else _SCORES_ACCELERATOR
    together = layout.num_heads
    if device.type == "cpu":
        together = min(together, max(_FEWEST_HEADS, torch.get_num_threads()))
    members = group_similar(
        layout.lengths,
        scores_per_group=limit // together,
        scores_if_padded=limit // layout.num_heads,
    )
    groups = tuple(_make_group(sequences, layout) for sequences in members)
    rows, restore = _block_rows(groups, layout.lengths)
    in_place = len(rows) == len(restore) and bool((rows == np.arange(len(rows))).all())
    return GroupPlan(
        groups=groups,
        sizes=tuple(group.count * group.length for group in groups),
        rows=None if in_place else send(rows, device),
        restore=None if in_place else send(restore, device),
        sequences=len(layout.lengths),
    )


def group_similar(
    lengths: Sequence[int], *, scores_per_group: int, scores_if_padded: int
) -> list[list[int]]:
    """Group sequences with little padding and bounded group size.

    Args:
        lengths: Length of every sequence; empty ones are skipped.
        scores_per_group: Maximum number of scores by distance in a group of more than one
            sequence, all of one length.
        scores_if_padded: The same for a group with padding, which has to be worth its cost.

    Returns:
        The sequence indices of every group, ascending within each.
    """
    order = sorted((i for i, n in enumerate(lengths) if n), key=lambda i: -lengths[i])
    groups: list[list[int]] = []
    longest = 0
    for index in order:
        length = lengths[index]
        padded = longest - length
        scores = scores_if_padded if padded else scores_per_group
        most = max(1, scores // max(1, longest * (2 * longest - 1)))
        if groups and padded <= max(_WASTE_ROWS, longest // _WASTE) and len(groups[-1]) < most:
            groups[-1].append(index)
        else:
            groups.append([index])
            longest = length
    return [sorted(group) for group in groups]


def _make_group(sequences: list[int], layout: BatchLayout) -> LengthGroup:
    lengths = tuple(layout.lengths[index] for index in sequences)
    length = max(lengths)
    block, limit = _divide(length, layout)
    padding = np.arange(length) >= np.array(lengths)[:, None]
    descending = ascending = None
    shared = (1, 1)
    if layout.slots is not None:
        longest = max(layout.lengths)
        ascending = layout.slots.rows[longest - length : longest + length - 1]
        descending = ascending.flip(0)
        if ascending.is_cpu and length > block:
            lowest, highest = (int((ascending == ascending[end]).sum()) for end in (0, -1))
            shared = (lowest, highest)
    scores = len(sequences) * length * (2 * length - 1)
    return LengthGroup(
        sequences=tuple(sequences),
        lengths=lengths,
        length=length,
        padding=(send(padding[:, None], layout.cu_seqlens.device) if padding.any() else None),
        descending=descending,
        ascending=ascending,
        shared=shared,
        block=block,
        heads=min(layout.num_heads, _heads_at_once(scores, layout.cu_seqlens.device, limit)),
    )


def _divide(length: int, layout: BatchLayout) -> tuple[int, int]:
    """How the scores of a sequence are divided, as measured.

    Args:
        length: Its length.
        layout: The batch.

    Returns:
        Maximum number of rows to score at once, and of scores in memory at once.
    """
    if layout.cu_seqlens.device.type != "cpu":
        return _ROWS, _SCORES_ACCELERATOR
    if layout.dtype == torch.bfloat16 and has_amx():
        return min(max(length // 2, 2 * _ROWS), 4 * _ROWS), _SCORES_AMX
    return _ROWS, _SCORES_CPU


def _heads_at_once(scores: int, device: torch.device, limit: int) -> int:
    heads = limit // scores
    if device.type == "cpu":
        # Batched products are parallelized over heads: one head per core is worth twice as much
        # memory.
        heads = max(heads, min(torch.get_num_threads(), 2 * limit // scores))
    return max(1, heads)


def _block_rows(
    groups: Sequence[LengthGroup], lengths: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Packed row of every block row, and block row of every packed row; both int64."""
    starts = sequence_starts(lengths)
    restore = np.empty(sum(lengths), dtype=np.int64)
    blocks = [np.empty(0, dtype=np.int64)]
    offset = 0
    for group in groups:
        column = np.arange(group.length)
        for index, length in zip(group.sequences, group.lengths, strict=True):
            first = starts[index]
            blocks.append(first + np.minimum(column, length - 1))
            restore[first : first + length] = offset + column[:length]
            offset += group.length
    return np.concatenate(blocks), restore

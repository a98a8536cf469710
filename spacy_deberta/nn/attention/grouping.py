"""Which sequences the strided kernel computes together, and where their rows are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .interface import BatchLayout, first_rows

# A sequence joins longer ones if it is padded by no more than an eighth of their length, or by a
# few rows where sequences are so short that the calls cost more than the arithmetic.
_WASTE = 8
_WASTE_ROWS = 8

# Scores of all heads that are alive at once: what fits the caches of a processor, and what keeps
# an accelerator busy without filling its memory.
_SCORES_CPU = 2**21
_SCORES_ACCELERATOR = 2**27


@dataclass(frozen=True)
class LengthGroup:
    """Sequences of similar length, as one block of `count * length` rows.

    Args:
        sequences: Their numbers within the batch.
        lengths: Their own lengths, none above `length`.
        length: Rows per sequence in the block.
        start: First packed row, where the block is a slice of the packed rows.
        rows: (count * length,) int64, the packed row of every row of the block; None where it is a
            slice. Padding repeats a row of its sequence.
        padding: (count, 1, length) bool, True in padding; None if there is none.
        descending: (2 * length - 1,) int64, row of the position tables by descending distance;
            None without relative positions.
        ascending: The same by ascending distance.
        heads: How many heads are computed at once.
    """

    sequences: tuple[int, ...]
    lengths: tuple[int, ...]
    length: int
    start: int
    rows: Tensor | None
    padding: Tensor | None
    descending: Tensor | None
    ascending: Tensor | None
    heads: int

    @property
    def count(self) -> int:
        """Number of sequences."""
        return len(self.sequences)


@dataclass(frozen=True)
class GroupPlan:
    """A batch in groups.

    Args:
        groups: Together they hold every sequence that isn't empty, once.
        restore: (total_pieces,) int64, for every packed row its row within the blocks of all
            groups one after another; None if those are the packed rows.
        sequences: Number of sequences in the batch, empty ones included.
    """

    groups: tuple[LengthGroup, ...]
    restore: Tensor | None
    sequences: int


def plan_groups(layout: BatchLayout) -> GroupPlan:
    """Put the sequences of a batch into groups of similar length.

    Args:
        layout: The batch.

    Returns:
        The groups, their indices on the device of the batch. Nothing waits for the device.
    """
    device = layout.cu_seqlens.device
    limit = _SCORES_CPU if device.type == "cpu" else _SCORES_ACCELERATOR
    starts = first_rows(layout.lengths)
    restore = np.empty(sum(layout.lengths), dtype=np.int64)
    groups, offset = [], 0
    for sequences in group_by_length(layout.lengths, scores_per_group=limit // layout.num_heads):
        group = _make_group(sequences, starts, layout, limit)
        groups.append(group)
        for place, index in enumerate(sequences):
            first, length = starts[index], layout.lengths[index]
            block_row = offset + place * group.length
            restore[first : first + length] = np.arange(block_row, block_row + length)
        offset += group.count * group.length
    in_place = offset == len(restore) and bool((restore == np.arange(offset)).all())
    return GroupPlan(
        groups=tuple(groups),
        restore=None if in_place else torch.from_numpy(restore).to(device),
        sequences=len(layout.lengths),
    )


def group_by_length(lengths: Sequence[int], *, scores_per_group: int) -> list[list[int]]:
    """Group sequences so that little is padded and no group gets too large.

    Args:
        lengths: Length of every sequence; empty ones are left out.
        scores_per_group: Largest number of scores by distance that a group may have, if it has
            more than one sequence.

    Returns:
        The numbers of the sequences of every group, ascending within each.
    """
    order = sorted((i for i, n in enumerate(lengths) if n), key=lambda i: -lengths[i])
    groups: list[list[int]] = []
    longest = 0
    for index in order:
        length = lengths[index]
        most = max(1, scores_per_group // max(1, longest * (2 * longest - 1)))
        padded = longest - length
        if groups and padded <= max(_WASTE_ROWS, longest // _WASTE) and len(groups[-1]) < most:
            groups[-1].append(index)
        else:
            groups.append([index])
            longest = length
    return [sorted(group) for group in groups]


def _make_group(
    sequences: list[int], starts: list[int], layout: BatchLayout, limit: int
) -> LengthGroup:
    device = layout.cu_seqlens.device
    lengths = tuple(layout.lengths[index] for index in sequences)
    firsts = np.array([starts[index] for index in sequences], dtype=np.int64)
    length = max(lengths)
    column = np.arange(length)
    own_last = np.array(lengths)[:, None] - 1
    rows = (firsts[:, None] + np.minimum(column, own_last)).ravel()
    padding = column > own_last
    is_slice = not padding.any() and bool((np.diff(rows) == 1).all())
    descending = ascending = None
    if layout.slots is not None:
        longest = max(layout.lengths)
        ascending = layout.slots.rows[longest - length : longest + length - 1]
        descending = ascending.flip(0)
    scores = len(sequences) * length * (2 * length - 1)
    return LengthGroup(
        sequences=tuple(sequences),
        lengths=lengths,
        length=length,
        start=int(rows[0]),
        rows=None if is_slice else torch.from_numpy(rows).to(device),
        padding=torch.from_numpy(padding[:, None]).to(device) if padding.any() else None,
        descending=descending,
        ascending=ascending,
        heads=min(layout.num_heads, max(1, limit // scores)),
    )

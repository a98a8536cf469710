"""Dividing windows into sub-batches of bounded size, so that no document is too long for memory."""

from dataclasses import dataclass

import numpy as np
import torch

from .ragged import Ints, cumulative, expand_ranges
from .windows import WindowPlan


@dataclass(frozen=True)
class PackedBatch:
    """Windows that go through the encoder together.

    Attributes:
        input_ids: Their ids, packed, `(total_pieces,)`, int64.
        lengths: Rows of each window.
        rows: The rows of the plan that they are, `(total_pieces,)`, int64.
    """

    input_ids: torch.Tensor
    lengths: tuple[int, ...]
    rows: torch.Tensor


def split_batches(plan: WindowPlan, *, max_pieces: int) -> list[PackedBatch]:
    """Divide the windows of a plan into sub-batches.

    Args:
        plan: The windows, packed.
        max_pieces: Most rows in a sub-batch; a window that is longer by itself goes alone.

    Returns:
        One sub-batch with the windows in their order if they fit; otherwise several, windows of
        similar length together. Never an empty list.
    """
    if int(plan.lengths.sum()) <= max_pieces:
        return [_batch(plan, np.arange(len(plan.lengths)))]
    order = np.argsort(plan.lengths, kind="stable")
    batches = []
    start = size = 0
    for position, length in enumerate(plan.lengths[order].tolist()):
        if position > start and size + length > max_pieces:
            batches.append(_batch(plan, order[start:position]))
            start, size = position, 0
        size += length
    batches.append(_batch(plan, order[start:]))
    return batches


def _batch(plan: WindowPlan, windows: Ints) -> PackedBatch:
    rows = expand_ranges(cumulative(plan.lengths)[windows], plan.lengths[windows])
    return PackedBatch(
        input_ids=torch.from_numpy(plan.input_ids[rows]),
        lengths=tuple(plan.lengths[windows].tolist()),
        rows=torch.from_numpy(rows),
    )

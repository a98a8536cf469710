"""Mapping from relative distances to rows of the relative position table.

The table has `2 * span` rows, its slots. The distance from query i to key j is `i - j`; the slot
of a distance is `bucket(distance) + span`, clamped to the table. Both disentangled terms use the
slot of `i - j`: the paper writes the position-to-content term with `j - i`, but the authors' code
and all of their checkpoints do not.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .config import DebertaV2Config


@dataclass(frozen=True)
class SlotTable:
    """The slots used by sequences up to some length.

    Args:
        rows: (2 * length - 1,) int64. For the distance d at index `d + length - 1`, the row of
            the used part of the table, that is the slot minus `start`.
        start: First used slot.
        stop: One past the last used slot.
    """

    rows: Tensor
    start: int
    stop: int


def log_buckets(
    distances: np.ndarray, *, buckets: int, max_distance: int, clamp: bool
) -> np.ndarray:
    """Map distances to buckets: exact for small ones, logarithmic for large ones.

    Args:
        distances: Any shape, int64. Query position minus key position.
        buckets: Number of buckets per direction. Half of them hold one distance each.
        max_distance: The distance just beyond the last bucket.
        clamp: Whether to clamp distances of `max_distance` and more to the largest one below it.

    Returns:
        Same shape, int64. Odd (-d has the negated bucket of d) and monotone.

    Source: DeBERTa's log buckets, first used by its version 2 (`da_utils.py` of
        microsoft/DeBERTa); He et al. 2021 (arXiv 2006.03654) describe the version without
        buckets, section 3.1.
    """
    if clamp:
        distances = distances.clip(1 - max_distance, max_distance - 1)
    middle = buckets // 2
    far = np.abs(distances)
    # Double precision, so that the ceiling doesn't depend on the rounding of a device's logarithm.
    ratio = np.log(np.maximum(far, middle) / middle) / np.log((max_distance - 1) / middle)
    logarithmic = (np.ceil(ratio * (middle - 1)) + middle) * np.sign(distances)
    return np.where(far <= middle, distances, logarithmic).astype(np.int64)


def position_slots(length: int, config: DebertaV2Config) -> Tensor:
    """Compute the slot of every distance within a sequence.

    Args:
        length: Length of the sequence, 1 or more.
        config: Has the number of slots and buckets.

    Returns:
        (2 * length - 1,) int64, on the CPU. The slot of the distance d is at `d + length - 1`.
        It is shared between callers; do not modify it.
    """
    return _middle(_slots(length, config, torch.device("cpu")), length)


def slot_table(length: int, config: DebertaV2Config, device: torch.device) -> SlotTable:
    """Compute the used part of the table for sequences up to a length.

    Args:
        length: Maximum length, 1 or more.
        config: Has the number of slots and buckets.
        device: Device of the rows.

    Returns:
        The used slots. They are contiguous, hence a slice.
    """
    slots = position_slots(length, config)
    start, stop = int(slots[0]), int(slots[-1]) + 1
    # Inference tensors can't be used for training.
    with torch.inference_mode(False):
        rows = _middle(_slots(length, config, device), length) - start
    return SlotTable(rows=rows, start=start, stop=stop)


def _slots(length: int, config: DebertaV2Config, device: torch.device) -> Tensor:
    """Slots for the length rounded up to a power of two."""
    buckets = max(config.position_buckets, 0)
    clamp = config.far_positions == "microsoft"
    longest = 1 << (length - 1).bit_length()
    return _cached_slots(longest, buckets, config.max_distance, clamp, device)


def _middle(slots: Tensor, length: int) -> Tensor:
    """Slice the slots of a longer sequence to this length."""
    margin = (len(slots) + 1) // 2 - length
    return slots[margin : len(slots) - margin]


# Only for lengths of powers of two: caching a table for every length would fragment memory between
# the tensors of the batches.
@lru_cache(maxsize=64)
def _cached_slots(
    length: int, buckets: int, max_distance: int, clamp: bool, device: torch.device
) -> Tensor:
    distances = np.arange(1 - length, length, dtype=np.int64)
    span = max_distance
    if buckets:
        span = buckets
        distances = log_buckets(distances, buckets=buckets, max_distance=max_distance, clamp=clamp)
    # Inference tensors can't be used for training, and this one is cached for both.
    with torch.inference_mode(False):
        return torch.from_numpy((distances + span).clip(0, 2 * span - 1)).to(device)

"""Arithmetic on packed arrays, whose members are runs of rows of different lengths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
# numpy or cupy: the array types of thinc and numpy do not know each other.
Array = Any


def expand_ranges(starts: Ints, lengths: Ints) -> Ints:
    """All indices of runs, one run after the other.

    Args:
        starts: First index of each run, `(runs,)`.
        lengths: Number of indices of each run, `(runs,)`; 0 is allowed.

    Returns:
        `(lengths.sum(),)`: `starts[0], starts[0] + 1, …, starts[1], …`.
    """
    total = int(lengths.sum())
    before = np.cumsum(lengths) - lengths
    return np.arange(total, dtype=np.int64) + np.repeat(starts - before, lengths)


def cumulative(lengths: Ints) -> Ints:
    """Where each run starts and the last ends: `(runs + 1,)`, from `(runs,)` lengths."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])

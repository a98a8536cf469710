"""Functions on packed arrays, which concatenate ranges of rows of different lengths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
# numpy or cupy: the array types of thinc and numpy are not compatible.
Array = Any


def expand_ranges(starts: Ints, lengths: Ints) -> Ints:
    """The indices of all ranges, concatenated.

    Args:
        starts: First index of each range, `(ranges,)`.
        lengths: Number of indices of each range, `(ranges,)`; 0 is allowed.

    Returns:
        `(lengths.sum(),)`: `starts[0], starts[0] + 1, …, starts[1], …`.
    """
    total = int(lengths.sum())
    before = np.cumsum(lengths) - lengths
    return np.arange(total, dtype=np.int64) + np.repeat(starts - before, lengths)


def cumulative(lengths: Ints) -> Ints:
    """Cumulative sum of lengths, with a leading 0: `(ranges + 1,)`, from `(ranges,)`."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])

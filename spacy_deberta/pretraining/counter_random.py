"""Counter-based random numbers: a function of keys, without a state.

Masks that depend only on the index of a sequence are the same after a restart and with any number
of processes, and no state has to be saved.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

UInt64s = NDArray[np.uint64]

_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)
_MIX = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
# The mantissa of a float64 has 53 of 64 bits.
_UNUSED_BITS = np.uint64(11)
_RESOLUTION = 2.0**-53


def hash_keys(*keys: ArrayLike) -> UInt64s:
    """Hash tuples of keys to 64 random-looking bits.

    Args:
        keys: Integers of any type and shape, at least one; broadcast against one another. Their
            order matters.

    Returns:
        uint64 of the broadcast shape.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"
        (SplitMix64), one round for each key.
    """
    state: UInt64s = np.zeros((), np.uint64)
    # Integer overflow is intended.
    with np.errstate(over="ignore"):
        for key in keys:
            state = (state ^ np.asarray(key).astype(np.uint64)) + _GOLDEN_RATIO
            for shift, factor in _MIX:
                state = (state ^ (state >> shift)) * factor
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(*keys: ArrayLike) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) for tuples of keys: see `hash_keys`."""
    return (hash_keys(*keys) >> _UNUSED_BITS).astype(np.float64) * _RESOLUTION

"""Reproducible random numbers for recomputed forward passes.

thinc draws dropout masks from NumPy's global generator, so its state is set and restored.
"""

# ruff: noqa: NPY002
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from thinc.api import CupyOps, Ops


def draw_seed() -> int:
    """Draw a seed for `random_stream` from NumPy's global generator."""
    return int(np.random.randint(2**31))


@contextmanager
def random_stream(ops: Ops, seed: int) -> Iterator[None]:
    """Context in which layers draw from a seeded stream: the same seed gives the same dropout.

    The generators of NumPy, CuPy and PyTorch are restored afterwards.

    Args:
        ops: The ops of the layers.
        seed: From `draw_seed`.
    """
    # Only devices in use: reading the state of another one would initialize it.
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices), _array_stream(ops, seed):
        # Not torch.manual_seed, which also seeds devices that are not in use yet.
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed_all(seed)
        yield


@contextmanager
def _array_stream(ops: Ops, seed: int) -> Iterator[None]:
    state = np.random.get_state()
    np.random.seed(seed)
    # The state of CuPy's generator can't be read, but the generator can be replaced.
    on_gpu = isinstance(ops, CupyOps)
    generator = ops.xp.random.get_random_state() if on_gpu else None
    if on_gpu:
        ops.xp.random.set_random_state(ops.xp.random.RandomState(seed))
    try:
        yield
    finally:
        np.random.set_state(state)
        if on_gpu:
            ops.xp.random.set_random_state(generator)

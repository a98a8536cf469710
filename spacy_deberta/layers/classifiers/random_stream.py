"""Random numbers that can be drawn a second time.

thinc draws dropout from the global generator of NumPy, so that is the one to set and to restore.
"""

# ruff: noqa: NPY002
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from thinc.api import CupyOps, Ops


def draw_seed() -> int:
    """A seed for `random_stream`, which follows from the seed of the training."""
    return int(np.random.randint(2**31))


@contextmanager
def random_stream(ops: Ops, seed: int) -> Iterator[None]:
    """Let layers draw from a stream of their own: with the same seed, the same dropout.

    Whoever draws afterwards, from NumPy, CuPy or PyTorch, goes on as if nothing had been drawn.

    Args:
        ops: Where the layers compute.
        seed: From `draw_seed`.
    """
    # Only devices in use: asking for the state of another one would start it.
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices), _array_stream(ops, seed):
        # Not torch.manual_seed: it also seeds devices that are not in use yet.
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

"""Activations that the backward pass computes a second time instead of keeping them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def recomputed(function: Callable[[Tensor], Tensor], before: Tensor) -> Iterator[Tensor]:
    """The output of a function, which what runs in the block may use without keeping it.

    What the function itself needs for its gradient, it keeps as ever: its input. From that, the
    output is made again when the backward pass asks for it. Worth it for a function that is cheap
    beside the matrix products around it, such as an activation.

    Args:
        function: Without parameters and without random numbers.
        before: Its input, any shape.

    Yields:
        Its output.

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", applied to one step.
    """
    after = function(before)
    if not (torch.is_grad_enabled() and before.requires_grad):
        yield after
        return
    place, source = after.data_ptr(), before.detach()

    def pack(kept: Tensor) -> Tensor | None:
        same = kept.data_ptr() == place and kept.shape == source.shape
        return None if same else kept

    def unpack(kept: Tensor | None) -> Tensor:
        if kept is not None:
            return kept
        with torch.no_grad():
            return function(source)

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield after

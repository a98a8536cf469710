"""Recomputation of activations in the backward pass instead of saving them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def recomputed(function: Callable[[Tensor], Tensor], before: Tensor) -> Iterator[Tensor]:
    """Context manager whose block uses a function's output without saving it for backward.

    The function saves its input for its own gradient, as usual. The output is recomputed from it in
    the backward pass. Worth it for a function that is cheap beside the matrix products around it,
    such as an activation.

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
    address, source = after.data_ptr(), before.detach()

    def pack(saved: Tensor) -> Tensor | None:
        same = saved.data_ptr() == address and saved.shape == source.shape
        return None if same else saved

    def unpack(saved: Tensor | None) -> Tensor:
        if saved is not None:
            return saved
        with torch.no_grad():
            return function(source)

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield after

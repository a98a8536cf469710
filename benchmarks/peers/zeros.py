"""The output of an encoder that computes nothing."""

from collections.abc import Callable

import torch
from torch import Tensor


def make_zeros(width: int) -> Callable[..., Tensor]:
    """Make a function that returns zeros of a shape, from one buffer for all calls.

    Allocating memory for every batch would cost as much as the measured code.

    Args:
        width: The last dimension of the zeros.

    Returns:
        A function from sizes to zeros, (*sizes, width) float32, which must not be modified.
    """
    buffer = torch.zeros(0, width)

    def zeros(*sizes: int) -> Tensor:
        nonlocal buffer
        rows = torch.Size(sizes).numel()
        if rows > len(buffer):
            buffer = torch.zeros(rows, width)
        return buffer[:rows].view(*sizes, width)

    return zeros

"""The rows of an encoder that computes nothing."""

from collections.abc import Callable

import torch
from torch import Tensor


def make_zeros(width: int) -> Callable[..., Tensor]:
    """Make a function that gives zeros of a shape, from one memory for all calls.

    New memory for every batch would cost as much as what is measured around it.

    Args:
        width: The last size of what it gives.

    Returns:
        From sizes to zeros, (*sizes, width) float32, which nobody may change.
    """
    buffer = torch.zeros(0, width)

    def zeros(*sizes: int) -> Tensor:
        nonlocal buffer
        rows = torch.Size(sizes).numel()
        if rows > len(buffer):
            buffer = torch.zeros(rows, width)
        return buffer[:rows].view(*sizes, width)

    return zeros

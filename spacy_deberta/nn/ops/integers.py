"""Floating-point numbers as integers, for copies and masks: torch is faster at these on CPUs."""

import torch
from torch import Tensor

# Integers of the same size, by the size of a floating-point number in bytes.
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def as_integers(view: Tensor) -> Tensor:
    """View floating-point numbers of any shape as integers of the same size."""
    return view.view(_INTEGERS[view.dtype.itemsize])


def copy_as_integers(view: Tensor) -> Tensor:
    """Copy a transposed or skewed view: the same values, contiguous, without gradients.

    On CPUs, torch copies strided floating-point numbers one by one, and integers several at a time:
    a quarter of the time.
    """
    return as_integers(view).contiguous().view(view.dtype)

"""Dropout with 16-bit random numbers and a byte mask.

On a CPU, torch draws a 64-bit number for every element with the Mersenne Twister, stores the mask
as floats and multiplies with it: in bfloat16 that takes more time than the products beside it. Here
one number of a faster generator serves four elements, the mask takes one byte per element, and it
is applied to the bits of the numbers.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .integers import as_integers

# Bits of a 64-bit random number per element. The sign bit is needed for the comparison, so that the
# rate is rounded to 1/32768.
_BITS = 16
_STEPS = 2 ** (_BITS - 1)


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`, by `drop_out`."""

    def forward(self, rows: Tensor) -> Tensor:
        """Any shape to the same shape; the identity outside of training."""
        return drop_out(rows, self.p) if self.training else rows


def drop_out(rows: Tensor, rate: float) -> Tensor:
    """Zero random elements and scale up the others, so that the mean is unchanged.

    Args:
        rows: Any shape, of a floating-point dtype.
        rate: Fraction set to zero, in [0, 1).

    Returns:
        The same shape and dtype. Random numbers come from torch's generator of the device.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
        Overfitting"; scaled in training, as in torch.
    """
    if rate == 0.0:
        return rows
    if rows.device.type != "cpu":
        return functional.dropout(rows, rate)
    dropped = dropped_steps(rate)
    if not 0 < dropped < _STEPS:
        return functional.dropout(rows, rate)
    output: Tensor = _DropOut.apply(rows, dropped)
    return output


def dropped_steps(rate: float) -> int:
    """The rate as a number of steps, which `draw_mask` takes."""
    return round(rate * _STEPS)


def dropout_scale(dropped: int) -> float:
    """The factor of the elements that are kept."""
    return _STEPS / (_STEPS - dropped)


class _DropOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, dropped: int) -> Tensor:
        mask = draw_mask(rows.shape, dropped)
        ctx.save_for_backward(mask)
        ctx.scale = dropout_scale(dropped)
        return zero_dropped(rows, mask).mul_(ctx.scale)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return zero_dropped(d_rows, mask).mul_(ctx.scale), None


def draw_mask(shape: torch.Size, dropped: int) -> Tensor:
    """Draw which elements to keep.

    Args:
        shape: Of the elements.
        dropped: Their rate, see `dropped_steps`.

    Returns:
        The given shape, int8: all bits of an element to keep are set, of others none.
    """
    count = shape.numel()
    seed = int(torch.randint(torch.iinfo(torch.int64).max, ()))
    numbers = np.random.SFC64(seed).random_raw(-(-count * _BITS // 64))
    draws = torch.from_numpy(np.atleast_1d(numbers).view(np.int16))[:count]
    # From 0 up to `_STEPS`; then the sign of the difference is that of a kept element.
    draws.bitwise_right_shift_(1).bitwise_and_(_STEPS - 1)
    return draws.neg_().add_(dropped - 1).bitwise_right_shift_(_BITS - 1).to(torch.int8).view(shape)


def zero_dropped(rows: Tensor, mask: Tensor) -> Tensor:
    """A copy of rows that is zero where the mask of `draw_mask` is, in any memory layout."""
    bits = as_integers(rows)
    return mask.to(bits.dtype).bitwise_and_(bits).view(rows.dtype)

"""Dropout with 16-bit random numbers and a byte mask.

On a CPU, torch draws a 64-bit number for every element and stores the mask as floats: in a small
model that is a quarter of a training step, and in every model a good part of the memory. Here one
64-bit number serves four elements, and the mask takes one byte per element.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Bits of a 64-bit random number per element: the rate is rounded to 1/65536.
_BITS = 16
_STEPS = 2**_BITS


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
    dropped = round(rate * _STEPS)
    if not 0 < dropped < _STEPS:
        return functional.dropout(rows, rate)
    output: Tensor = _DropOut.apply(rows, dropped)
    return output


class _DropOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, dropped: int) -> Tensor:
        mask = _draw_mask(rows.shape, dropped)
        ctx.save_for_backward(mask)
        ctx.scale = _STEPS / (_STEPS - dropped)
        return _apply(mask, rows, ctx.scale)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return _apply(mask, d_rows, ctx.scale), None


def _draw_mask(shape: torch.Size, dropped: int) -> Tensor:
    """Draw a mask of the given shape, bool: True for elements to keep."""
    count = shape.numel()
    numbers = torch.empty(-(-count * _BITS // 64), dtype=torch.int64)
    # The bounds include the sign bit, which would be zero by default.
    numbers.random_(torch.iinfo(torch.int64).min, None)
    draws = numbers.view(torch.int16)[:count]
    return (draws >= dropped - _STEPS // 2).view(shape)


def _apply(mask: Tensor, rows: Tensor, scale: float) -> Tensor:
    # Converted, because neither `where` nor a product with booleans is vectorized.
    return mask.to(rows.dtype).mul_(scale).mul_(rows)

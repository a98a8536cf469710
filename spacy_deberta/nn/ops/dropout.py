"""Dropout that draws its random numbers four at a time and remembers one byte for each.

On a processor, torch draws a number of 64 bits for every element and keeps the mask as floats: in a
small model that is a quarter of a training step, and in every model a good part of the memory.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Of the 64 bits of a random number, each element takes 16: the rate is rounded to 1/65536.
_BITS = 16
_STEPS = 2**_BITS


class Dropout(nn.Dropout):
    """`torch.nn.Dropout`, by `drop_out`."""

    def forward(self, rows: Tensor) -> Tensor:
        """(...) to the same shape; what came in, outside of training."""
        return drop_out(rows, self.p) if self.training else rows


def drop_out(rows: Tensor, rate: float) -> Tensor:
    """Set random elements to zero and scale up the others, so that the mean stays.

    Args:
        rows: Any shape, of a floating point type.
        rate: How many are set to zero, from 0 up to (but without) 1.

    Returns:
        The same shape and type. The numbers come from torch's generator of the device.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
        Overfitting"; scaled in training, as torch does it.
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
        kept = _draw(rows.shape, dropped)
        ctx.save_for_backward(kept)
        ctx.scale = _STEPS / (_STEPS - dropped)
        return _apply(kept, rows, ctx.scale)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return _apply(kept, d_rows, ctx.scale), None


def _draw(shape: torch.Size, dropped: int) -> Tensor:
    """Which elements are kept: (...) bool."""
    count = shape.numel()
    numbers = torch.empty(-(-count * _BITS // 64), dtype=torch.int64)
    # All 64 bits; without bounds the highest one would always be zero.
    numbers.random_(torch.iinfo(torch.int64).min, None)
    shares = numbers.view(torch.int16)[:count]
    return (shares >= dropped - _STEPS // 2).view(shape)


def _apply(kept: Tensor, rows: Tensor, scale: float) -> Tensor:
    # As numbers: neither `where` nor a product with booleans is vectorized.
    return kept.to(rows.dtype).mul_(scale).mul_(rows)

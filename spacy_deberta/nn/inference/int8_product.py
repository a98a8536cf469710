"""Products of int8 matrices on CPUs."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from spacy_deberta.nn.ops.processor import has_vnni

# The middle of the integers of the input.
MIDDLE = 128
# Number of rows that the weight layout is optimized for; any number works.
_ROWS = 512


@dataclass(frozen=True, eq=False)
class Int8Product:
    """A product with a prepared weight, exact but for the rounding of its result.

    Attributes:
        weight: The weight in the layout of the operator.
        scales: (outputs,) float32, of the weight.
        zeros: (outputs,) int32, zeros of the weight.
        offsets: (outputs,) int32, the sum of the weight's values for each output.
        levels: The highest integer of the input. Without VNNI, sums of two products have to fit 16
            bits: 7 bits.
        zero_point: The integer of the input that stands for zero.
        has_onednn: Whether oneDNN computes it, else `torch._int_mm`.
    """

    weight: Tensor
    scales: Tensor
    zeros: Tensor
    offsets: Tensor
    levels: int
    zero_point: int
    has_onednn: bool

    def __call__(self, values: Tensor, dtype: torch.dtype) -> Tensor:
        """Multiply.

        Args:
            values: (rows, inputs) uint8, at most `levels`.
            dtype: float32 or bfloat16.

        Returns:
            (rows, outputs): the values, without their zero point, times the weight and its scales.
        """
        if not len(values):
            return values.new_empty(0, len(self.scales), dtype=dtype)
        if self.has_onednn:
            output: Tensor = torch.ops.onednn.qlinear_pointwise(
                values,
                1.0,
                self.zero_point,
                self.weight,
                self.scales,
                self.zeros,
                None,
                1.0,
                0,
                dtype,
                "none",
                [],
                "",
            )
            return output
        # `torch._int_mm` takes int8 only. The highest bit flipped is the value less 128.
        signed = values.bitwise_xor(MIDDLE).view(torch.int8)
        sums = torch._int_mm(signed, self.weight) + self.offsets * (MIDDLE - self.zero_point)
        return (sums * self.scales).to(dtype)


def prepare_product(values: Tensor, scales: Tensor, *, zero: int) -> Int8Product:
    """Prepare a product.

    Args:
        values: (outputs, inputs) int8, the weight.
        scales: (outputs,) float32.
        zero: The integer of the input, of 256, that stands for zero.

    Source: `onednn::qlinear_pointwise`, which `torch.compile` calls.
    """
    zeros = torch.zeros(len(values), dtype=torch.int32)
    offsets = values.sum(dim=1, dtype=torch.int32)
    levels, zero_point = input_range(zero)
    if not _has_onednn():
        weight = values.t()
        return Int8Product(weight, scales, zeros, offsets, levels, zero_point, has_onednn=False)
    packed = torch.ops.onednn.qlinear_prepack(values, [_ROWS, values.shape[1]])
    return Int8Product(packed, scales, zeros, offsets, levels, zero_point, has_onednn=True)


def input_range(zero: int) -> tuple[int, int]:
    """The integers of an input on this processor.

    Args:
        zero: The integer, of 256, that stands for zero.

    Returns:
        `levels` and `zero_point` of `Int8Product`.
    """
    # oneDNN sums two products in 16 bits where the processor cannot in 32.
    return (127, zero // 2) if _has_onednn() and not has_vnni() else (255, zero)


def _has_onednn() -> bool:
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    operators: Any = torch.ops.onednn
    return all(hasattr(operators, name) for name in ("qlinear_prepack", "qlinear_pointwise"))

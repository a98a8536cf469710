"""Dense layers in int8: a scale for each row of the input and for each row of the weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spacy_deberta.errors import Errors

from .int8_product import MIDDLE, Int8Product, prepare_product

# Above this, a float32 number has no fraction: adding it rounds to a whole number, which is then
# the lowest byte of its bits. Two operations instead of rounding, clamping and converting.
_WHOLE = 2.0**23
# Rows of zeros have a scale all the same.
_SMALLEST = 1e-30


@dataclass(frozen=True, eq=False)
class QuantizedWeight:
    """A weight in int8.

    Attributes:
        values: (outputs, inputs) int8, from -127 to 127.
        scales: (outputs,) float32. The weight is the values times these, and divided by `factors`.
        factors: (inputs,) float32, by which the input is multiplied before quantization; None for
            one. They make channels of the input alike that the weight has to even out.
        zero: The integer, of 256, that stands for zero in the input: 128, or less for an input that
            is negative in a small part of its range, as after GELU.
    """

    values: Tensor
    scales: Tensor
    factors: Tensor | None = None
    zero: int = MIDDLE

    def dequantize(self) -> Tensor:
        """The weight, (outputs, inputs) float32."""
        weight = self.values.float() * self.scales[:, None]
        return weight if self.factors is None else weight * self.factors


def check_weights(weights: Tensor) -> None:
    """Raise E125 for weights that are not finite."""
    # No sum with NaN or infinity is finite. One that is not finite may have overflowed.
    if not weights.sum().isfinite() and not weights.isfinite().all():
        raise ValueError(Errors.E125)


def quantize_weight(
    weight: Tensor, factors: Tensor | None = None, *, zero: int = MIDDLE
) -> QuantizedWeight:
    """Quantize a weight with a scale for each output.

    Args:
        weight: (outputs, inputs), floating-point.
        factors: See `QuantizedWeight`.
        zero: Likewise.

    Raises:
        ValueError: A value is not finite (E125).
    """
    weight = weight.detach().float()
    check_weights(weight)
    if factors is not None:
        weight = weight / factors
    scales = (weight.abs().amax(dim=1) / 127).clamp_min(_SMALLEST)
    values = (weight / scales[:, None]).round_().to(torch.int8)
    return QuantizedWeight(values, scales, factors, zero)


def join_weights(weights: Sequence[QuantizedWeight]) -> QuantizedWeight | None:
    """One weight with the outputs of several, or None if their inputs are quantized differently."""
    if not weights or any(not _same(weight, weights[0]) for weight in weights):
        return None
    return QuantizedWeight(
        torch.cat([weight.values for weight in weights]),
        torch.cat([weight.scales for weight in weights]),
        weights[0].factors,
        weights[0].zero,
    )


def _same(one: QuantizedWeight, other: QuantizedWeight) -> bool:
    if one.zero != other.zero:
        return False
    if one.factors is None or other.factors is None:
        return one.factors is other.factors
    return one.factors.equal(other.factors)


@dataclass(frozen=True, eq=False)
class QuantizedDense:
    """A dense layer that quantizes each row of its input with a scale of its own.

    The result for a row is the same, bit by bit, whatever other rows there are.

    Attributes:
        product: The product with the weight.
        bias: (outputs,) of the dtype of the result.
        factors: As in `QuantizedWeight`.
        zero: (inputs,) float32, `_WHOLE` and the integer that stands for zero.
    """

    product: Int8Product
    bias: Tensor
    factors: Tensor | None
    zero: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        """(rows, inputs) to (rows, outputs), of the dtype of the bias."""
        values, scales = self._quantize(rows)
        output = self.product(values, self.bias.dtype)
        return torch.addcmul(self.bias, output, scales, out=output)

    def add_to(self, residual: Tensor, rows: Tensor) -> Tensor:
        """The output and a residual connection, (rows, outputs) float32. Overwrites `rows`."""
        values, scales = self._quantize(rows, overwrite=True)
        output = self.product(values, self.bias.dtype)
        return torch.addcmul(residual, output, scales, out=output).add_(self.bias)

    def _quantize(self, rows: Tensor, *, overwrite: bool = False) -> tuple[Tensor, Tensor]:
        """Quantize each row.

        Args:
            rows: (rows, inputs), floating-point.
            overwrite: Whether their memory may be used: new memory is not in the CPU's caches.

        Returns:
            (rows, inputs) uint8, and the scales, (rows, 1), of the dtype of the bias.
        """
        wide = rows.float()
        overwrite = overwrite or wide is not rows
        if self.factors is not None:
            wide = torch.mul(wide, self.factors, out=wide if overwrite else None)
            overwrite = True
        zero, levels = self.product.zero_point, self.product.levels
        highest = wide.amax(dim=1, keepdim=True).div_(levels - zero)
        lowest = wide.amin(dim=1, keepdim=True).div_(-zero)
        scales = torch.maximum(highest, lowest).clamp_min_(_SMALLEST)
        if self.bias.dtype == torch.bfloat16:
            # Rounded before it is used, and never down: its rounding is no error.
            scales = scales.mul_(1 + 2**-8).to(torch.bfloat16)
        inverses = scales.float().reciprocal()
        wide = torch.addcmul(self.zero, wide, inverses, out=wide if overwrite else None)
        return wide.view(torch.int32).to(torch.int8).view(torch.uint8), scales


def prepare_quantized(
    weight: QuantizedWeight, bias: Tensor, *, dtype: torch.dtype
) -> QuantizedDense:
    """Prepare a dense layer in int8.

    Args:
        weight: The weight.
        bias: (outputs,).
        dtype: Dtype of the result: float32 or bfloat16.

    Raises:
        ValueError: The bias is not finite (E125).

    Source: Quantization of rows and columns as in LLM.int8 (Dettmers et al. 2022, arXiv
        2208.07339); factors of input channels as in SmoothQuant (Xiao et al. 2022, arXiv
        2211.10438).
    """
    check_weights(bias)
    product = prepare_product(weight.values, weight.scales, zero=weight.zero)
    zero = torch.full(weight.values.shape[1:], _WHOLE + product.zero_point)
    return QuantizedDense(product, bias.detach().to(dtype), weight.factors, zero)

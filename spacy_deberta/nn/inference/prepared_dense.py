"""Dense layers for inference: converted, fused, or quantized to int8."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from .half_linear import HalfPrecisionLinear
from .onednn import Activation, Dense, prepare_onednn
from .precision import Precision
from .preparation import prepares
from .quantized_dense import (
    QuantizedWeight,
    join_weights,
    prepare_quantized,
    quantize_weight,
)
from .quantized_linear import QuantizedLinear
from .smoothing import QuantizedPrecision


@prepares(nn.Linear, HalfPrecisionLinear, QuantizedLinear)
def prepare_dense(
    dense: nn.Linear,
    precision: Precision,
    activation: Activation | None = None,
    *,
    narrow: bool = False,
) -> Dense:
    """Prepare a dense layer for inference.

    Args:
        dense: The layer.
        precision: Dtypes of the computation and of the weights.
        activation: The activation after it, or None.
        narrow: Whether the result in int8 has the dtype of the other products, and not float32.

    Returns:
        An equivalent function. It shares the weights if their dtype matches.
    """
    assert dense.bias is not None
    if precision.weights == torch.int8:
        quantized = _quantized(dense, precision)
        if quantized is not None:
            dtype = _output_dtype(precision, narrow=narrow)
            function = prepare_quantized(quantized, dense.bias, dtype=dtype)
            return _followed_by(activation, function)
        precision = precision.of_rest
    dtype = precision.weights
    if _stays_narrow(dense, precision):
        return _followed_by(activation, dense.forward)
    weight, bias = _weight(dense).to(dtype), dense.bias.detach().to(dtype)
    copied = dense.weight.dtype != dtype
    fused = prepare_onednn(weight, bias, activation, copied=copied)
    if fused is not None:
        return fused
    return _followed_by(activation, partial(_linear, weight=weight, bias=bias))


def prepare_together(
    layers: Sequence[nn.Linear], precision: Precision
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """Prepare several dense layers of one size with the same input.

    Args:
        layers: The layers.
        precision: As for `prepare_dense`.

    Returns:
        A function from the input to the output of every layer. Weights that need conversion are
        concatenated to one matrix: one large product is faster than several small ones. Otherwise
        one matrix would be a second copy, without measurable savings.
    """
    if precision.weights == torch.int8:
        return _quantize_together(layers, precision)
    if layers[0].weight.dtype == precision.weights or _stays_narrow(layers[0], precision):
        return _each([prepare_dense(layer, precision) for layer in layers])
    together = nn.Linear(layers[0].in_features, len(layers) * layers[0].out_features, device="meta")
    together.weight = nn.Parameter(torch.cat([_weight(layer) for layer in layers]))
    together.bias = nn.Parameter(torch.cat([layer.bias for layer in layers]))
    dense = prepare_dense(together, precision)
    return lambda rows: dense(rows).chunk(len(layers), dim=-1)


def _quantize_together(
    layers: Sequence[nn.Linear], precision: Precision
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    weights = [_quantized(layer, precision) for layer in layers]
    joined = join_weights([weight for weight in weights if weight is not None])
    if joined is None or None in weights:
        return _each([prepare_dense(layer, precision, narrow=True) for layer in layers])
    bias = torch.cat([layer.bias for layer in layers])
    dense = prepare_quantized(joined, bias, dtype=_output_dtype(precision, narrow=True))
    return lambda rows: dense(rows).chunk(len(layers), dim=-1)


def _quantized(dense: nn.Linear, precision: Precision) -> QuantizedWeight | None:
    """The weight in int8; None for a layer that is not quantized."""
    if isinstance(precision, QuantizedPrecision) and dense in precision.quantized:
        return precision.quantized[dense]
    return quantize_weight(dense.weight)


def _output_dtype(precision: Precision, *, narrow: bool) -> torch.dtype:
    half = narrow and precision.compute == torch.bfloat16
    return torch.bfloat16 if half else torch.float32


def _each(functions: Sequence[Dense]) -> Callable[[Tensor], tuple[Tensor, ...]]:
    return lambda rows: tuple(function(rows) for function in functions)


def _weight(dense: nn.Linear) -> Tensor:
    weight = dense.weight.detach()
    return dense.quantized.dequantize() if isinstance(dense, QuantizedLinear) else weight


def _stays_narrow(dense: nn.Linear, precision: Precision) -> bool:
    """Whether a copy of the weight in the dtype of the products would be larger than itself."""
    narrow = isinstance(dense, HalfPrecisionLinear)
    return narrow and dense.weight.itemsize < precision.weights.itemsize


def _followed_by(activation: Activation | None, dense: Dense) -> Dense:
    if activation is None:
        return dense
    activate = _in_place(activation)
    return lambda rows: activate(dense(rows))


def _in_place(activation: Activation) -> Activation:
    """The in-place variant, if torch has one: allocation costs as much as the activation."""
    return torch.ops.aten.gelu_ if activation is functional.gelu else activation


def _linear(rows: Tensor, *, weight: Tensor, bias: Tensor) -> Tensor:
    return functional.linear(rows.to(weight.dtype), weight, bias)

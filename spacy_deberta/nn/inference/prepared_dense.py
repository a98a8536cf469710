"""Dense layers for inference: converted, fused, or quantized to int8."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from spacy_deberta.errors import Errors

from .half_linear import HalfPrecisionLinear
from .onednn import Activation, Dense, prepare_onednn
from .precision import Precision
from .preparation import prepares
from .processor import has_vnni


@prepares(nn.Linear, HalfPrecisionLinear)
def prepare_dense(
    dense: nn.Linear, precision: Precision, activation: Activation | None = None
) -> Dense:
    """Prepare a dense layer for inference.

    Args:
        dense: The layer.
        precision: Dtypes of the computation and of the weights.
        activation: The activation after it, or None.

    Returns:
        An equivalent function. It shares the weights if their dtype matches.
    """
    assert dense.bias is not None
    dtype = precision.weights
    if dtype == torch.int8:
        return _followed_by(activation, _quantize(dense.weight.detach().float(), dense.bias))
    if _stays_narrow(dense, precision):
        return _followed_by(activation, dense.forward)
    weight, bias = dense.weight.detach().to(dtype), dense.bias.detach().to(dtype)
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
    if layers[0].weight.dtype == precision.weights or _stays_narrow(layers[0], precision):
        each = [prepare_dense(layer, precision) for layer in layers]
        return lambda rows: tuple(dense(rows) for dense in each)
    together = nn.Linear(layers[0].in_features, len(layers) * layers[0].out_features, device="meta")
    together.weight = nn.Parameter(torch.cat([layer.weight for layer in layers]))
    together.bias = nn.Parameter(torch.cat([layer.bias for layer in layers]))
    dense = prepare_dense(together, precision)
    return lambda rows: dense(rows).chunk(len(layers), dim=-1)


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


def _quantize(weight: Tensor, bias: Tensor) -> Dense:
    """Int8 quantization: weights per output channel, inputs dynamically per batch.

    Raises:
        ValueError: If a weight is not finite (E125).

    Source: Dynamic quantization of torch, `torch.ops.quantized.linear_dynamic`.
    """
    if not (weight.isfinite().all() and bias.isfinite().all()):
        raise ValueError(Errors.E125)
    scales = (weight.abs().amax(dim=1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    with warnings.catch_warnings():
        # PyTorch deprecates these tensors, but has no replacement as fast.
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
        quantized = torch.quantize_per_channel(
            weight.float(), scales.double(), zeros, 0, torch.qint8
        )
    packed = torch.ops.quantized.linear_prepack(quantized, bias.float())
    reduce_range = not has_vnni()
    return partial(_quantized_linear, packed=packed, reduce_range=reduce_range)


def _quantized_linear(rows: Tensor, *, packed: Any, reduce_range: bool) -> Tensor:
    # Without VNNI, sums of two products have to fit 16 bits: 7 bits for the input.
    output = torch.ops.quantized.linear_dynamic(rows.float(), packed, reduce_range)
    return output.to(rows.dtype)

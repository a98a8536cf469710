"""Dense layers for prediction: in another precision, several as one, quantized to int8."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from spacy_deberta.errors import Errors

from .onednn import Activation, Dense, prepare_onednn
from .precision import Precision
from .preparation import prepares
from .processor import has_vnni


@prepares(nn.Linear)
def prepare_dense(
    dense: nn.Linear, precision: Precision, activation: Activation | None = None
) -> Dense:
    """A dense layer for prediction.

    Args:
        dense: The layer.
        precision: What it computes in, and what its weights are stored in.
        activation: What comes after it, or None.

    Returns:
        The same function. It shares the weights if they are stored in this precision already.
    """
    assert dense.bias is not None
    dtype = precision.weights
    if dtype == torch.int8:
        return _followed_by(activation, _quantize(dense.weight, dense.bias))
    weight, bias = dense.weight.detach().to(dtype), dense.bias.detach().to(dtype)
    copied = dense.weight.dtype != dtype
    fused = prepare_onednn(weight, bias, activation, copied=copied)
    if fused is not None:
        return fused
    return _followed_by(activation, partial(_linear, weight=weight, bias=bias))


def prepare_together(
    layers: Sequence[nn.Linear], precision: Precision
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """Several dense layers of one size that are given the same rows.

    Args:
        layers: The layers.
        precision: As for `prepare_dense`.

    Returns:
        From rows to the output of every layer. Where the weights have to be converted, they
        become one matrix: one large product takes less time than several small ones. Where they
        don't, one matrix would be a second copy of them and saves nothing that can be measured.
    """
    if layers[0].weight.dtype == precision.weights:
        each = [prepare_dense(layer, precision) for layer in layers]
        return lambda rows: tuple(dense(rows) for dense in each)
    together = nn.Linear(layers[0].in_features, len(layers) * layers[0].out_features, device="meta")
    together.weight = nn.Parameter(torch.cat([layer.weight for layer in layers]))
    together.bias = nn.Parameter(torch.cat([layer.bias for layer in layers]))
    dense = prepare_dense(together, precision)
    return lambda rows: dense(rows).chunk(len(layers), dim=-1)


def _followed_by(activation: Activation | None, dense: Dense) -> Dense:
    if activation is None:
        return dense
    activate = _in_place(activation)
    return lambda rows: activate(dense(rows))


def _in_place(activation: Activation) -> Activation:
    """The activation that writes where it reads, if torch has it: new memory costs as much."""
    return torch.ops.aten.gelu_ if activation is functional.gelu else activation


def _linear(rows: Tensor, *, weight: Tensor, bias: Tensor) -> Tensor:
    return functional.linear(rows.to(weight.dtype), weight, bias)


def _quantize(weight: Tensor, bias: Tensor) -> Dense:
    """Weights in 8 bits with a scale for every output, rows in 8 bits with one for each batch.

    Raises:
        ValueError: If a weight is not a finite number (E125).

    Source: dynamic quantization of torch, `torch.ops.quantized.linear_dynamic`.
    """
    if not (weight.isfinite().all() and bias.isfinite().all()):
        raise ValueError(Errors.E125)
    scales = (weight.abs().amax(dim=1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    with warnings.catch_warnings():
        # PyTorch announces to take these tensors away, but has nothing as fast in their place.
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
        quantized = torch.quantize_per_channel(
            weight.float(), scales.double(), zeros, 0, torch.qint8
        )
    packed = torch.ops.quantized.linear_prepack(quantized, bias.float())
    reduce_range = not has_vnni()
    return partial(_quantized_linear, packed=packed, reduce_range=reduce_range)


def _quantized_linear(rows: Tensor, *, packed: Any, reduce_range: bool) -> Tensor:
    # Without instructions for it, sums of two products have to fit 16 bits: 7 bits for the rows.
    output = torch.ops.quantized.linear_dynamic(rows.float(), packed, reduce_range)
    return output.to(rows.dtype)

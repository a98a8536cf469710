"""Dense layers by oneDNN, on processors: PyTorch itself takes MKL for those in float32."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# (rows, inputs) to (rows, outputs).
Dense = Callable[[Tensor], Tensor]
Activation = Callable[[Tensor], Tensor]

# As many rows as the weights are laid out for; they serve any number.
_ROWS = 1024
_DTYPES = (torch.float32, torch.bfloat16)
# The activations that oneDNN computes while its results are in registers, with its names and kinds.
_FUSED: dict[Activation | None, tuple[str, str]] = {
    None: ("none", ""),
    functional.gelu: ("gelu", "none"),
}


def prepare_onednn(
    weight: Tensor, bias: Tensor, activation: Activation | None, *, copied: bool
) -> Dense | None:
    """A dense layer with its activation, in one call of oneDNN.

    On AMD's processors its products in float32 take three quarters to nine tenths of the time that
    MKL's do, and the activation of the feed-forward network, a tenth of the product, is free.

    Args:
        weight: (outputs, inputs).
        bias: (outputs,) of the same dtype.
        activation: What comes after it, or None.
        copied: Whether the weight is a copy for prediction, which may be laid out anew. If not, it
            stays as it is, so that prediction holds no second one.

    Returns:
        The function; None where oneDNN does not have it: on other devices, in other dtypes, with
        other activations, in a PyTorch without it.

    Source: `mkldnn::_linear_pointwise`, which `torch.compile` calls.
    """
    if not _has_onednn(weight) or activation not in _FUSED:
        return None
    if copied:
        weight = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
    name, kind = _FUSED[activation]
    return partial(_linear, weight=weight, bias=bias, dtype=bias.dtype, name=name, kind=kind)


def _has_onednn(weight: Tensor) -> bool:
    if weight.device.type != "cpu" or weight.dtype not in _DTYPES:
        return False
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    operators: Any = torch.ops.mkldnn
    if not all(
        hasattr(operators, name) for name in ("_linear_pointwise", "_reorder_linear_weight")
    ):
        return False
    return weight.dtype == torch.float32 or bool(operators._is_mkldnn_bf16_supported())


def _linear(
    rows: Tensor, *, weight: Tensor, bias: Tensor, dtype: torch.dtype, name: str, kind: str
) -> Tensor:
    output: Tensor = torch.ops.mkldnn._linear_pointwise(
        rows.to(dtype), weight, bias, name, [], kind
    )
    return output

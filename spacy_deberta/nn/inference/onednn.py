"""Dense layers with oneDNN on CPUs; PyTorch itself uses MKL for float32."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# (rows, inputs) to (rows, outputs).
Dense = Callable[[Tensor], Tensor]
Activation = Callable[[Tensor], Tensor]

# Number of rows that the weight layout is optimized for; any number works.
_ROWS = 1024
_DTYPES = (torch.float32, torch.bfloat16)
# Activations that oneDNN fuses into the product, with its names and kinds.
_FUSED: dict[Activation | None, tuple[str, str]] = {
    None: ("none", ""),
    functional.gelu: ("gelu", "none"),
}


def prepare_onednn(
    weight: Tensor, bias: Tensor, activation: Activation | None, *, copied: bool
) -> Dense | None:
    """Prepare a dense layer with a fused activation, in one oneDNN call.

    On AMD CPUs its float32 products take three quarters to nine tenths of MKL's time, and the
    activation of the feed-forward network, a tenth of the product, is free.

    Args:
        weight: (outputs, inputs).
        bias: (outputs,) of the same dtype.
        activation: The activation after it, or None.
        copied: Whether the weight is a copy for inference, which may be reordered. If not, its
            layout is unchanged, so that inference holds no second copy.

    Returns:
        The function; None if oneDNN does not support it: on other devices, for other dtypes or
        activations, or in a PyTorch build without oneDNN.

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

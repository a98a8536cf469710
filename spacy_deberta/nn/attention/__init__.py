"""Disentangled attention: one interface, several kernels.

`reference` computes the formula directly, one sequence at a time; it is the oracle of all others.
`strided` is plain torch and fast on every device. `triton` and `bands` are for GPUs and imported
lazily, since Triton may be missing. A new kernel implements `AttentionKernel` and is added to
`ATTENTION_KERNELS`; `tests/nn/attention` compares it with `reference`. `rows`, for few queries, is
not among them: it is used where another kernel can't compute some rows alone.
"""

import torch
from torch import Tensor

from spacy_deberta.errors import Errors

from .interface import (
    AttentionContext,
    AttentionInputs,
    AttentionKernel,
    Attentions,
    BatchLayout,
    StaticKernel,
    StaticPlan,
)
from .reference import ReferenceAttention
from .rows import RowAttention
from .strided import StridedAttention
from .triton.support import is_fastest, why_not_triton

ATTENTION_KERNELS: dict[str, AttentionKernel] = {
    kernel.name: kernel for kernel in (ReferenceAttention(), StridedAttention())
}
# On a GPU: the fastest one, and one that keeps the scores of positions in memory.
TRITON_KERNELS = ("triton", "bands")
_ROW_ATTENTION = RowAttention()


def resolve_attention(
    name: str = "auto",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    head_dim: int | None = None,
) -> AttentionKernel:
    """Look up a kernel by name.

    Args:
        name: One of `ATTENTION_KERNELS`, or of `TRITON_KERNELS`, or "auto" for the fastest one as
            measured: `triton` in half precision on NVIDIA Hopper with Triton installed,
            else `strided`.
        device: Device of the model.
        dtype: Compute dtype; under autocast it differs from that of the weights.
        head_dim: Width of a head; None if unknown.

    Returns:
        The kernel.

    Raises:
        ValueError: If the name is unknown (E113).
        ImportError: If it needs Triton, which can't be imported (E122).
    """
    if name == "auto":
        name = "triton" if is_fastest(torch.device(device), dtype, head_dim) else "strided"
    if name in TRITON_KERNELS:
        return _triton_attention(name)
    if name not in ATTENTION_KERNELS:
        known = ", ".join(["auto", *ATTENTION_KERNELS, *TRITON_KERNELS])
        raise ValueError(Errors.E113.format(value=name, known=known))
    return ATTENTION_KERNELS[name]


def plan_attention(
    kernel: AttentionKernel, layout: BatchLayout, positions: Tensor | None
) -> AttentionContext:
    """Plan a batch; falls back to `rows` if the kernel doesn't support query rows.

    Args:
        kernel: The attention kernel.
        layout: The batch.
        positions: See `AttentionContext`.

    Returns:
        The context shared by the layers.
    """
    if layout.query_rows is not None and not kernel.takes_query_rows:
        kernel = _ROW_ATTENTION
    return AttentionContext(kernel, kernel.plan(layout), positions, layout.slots)


def _triton_attention(name: str) -> AttentionKernel:
    if (reason := why_not_triton()) is not None:
        raise ImportError(Errors.E122.format(reason=reason))
    from .triton.attention import TritonAttention
    from .triton.band_attention import BandAttention

    return TritonAttention() if name == "triton" else BandAttention()


__all__ = [
    "ATTENTION_KERNELS",
    "TRITON_KERNELS",
    "AttentionContext",
    "AttentionInputs",
    "AttentionKernel",
    "Attentions",
    "BatchLayout",
    "StaticKernel",
    "StaticPlan",
    "plan_attention",
    "resolve_attention",
]

"""Disentangled attention: one interface, several kernels.

`reference` is the maths, one sequence at a time, and the oracle of all others. `strided` is plain
torch, fast enough for every device. `rows` is for few queries. `triton` is for GPUs, and imported
when it is asked for: Triton is not on every machine. A new kernel is an
object as `AttentionKernel` describes it, put into `ATTENTION_KERNELS`; the tests of
`tests/nn/attention` hold it to `reference`.
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
)
from .reference import ReferenceAttention
from .rows import RowAttention
from .strided import StridedAttention
from .triton.support import is_fastest

ATTENTION_KERNELS: dict[str, AttentionKernel] = {
    kernel.name: kernel for kernel in (ReferenceAttention(), StridedAttention(), RowAttention())
}


def resolve_attention(
    name: str = "auto",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    head_dim: int | None = None,
) -> AttentionKernel:
    """Find the kernel of a name.

    Args:
        name: One of `ATTENTION_KERNELS`, "triton" for the kernels for GPUs, or "auto" for the one
            that was measured to be the fastest on the device at hand: `triton` in half precision on
            NVIDIA's Hopper, where Triton is installed, and else `strided`.
        device: Where the model is.
        dtype: What it computes in; under autocast that is another type than that of the weights.
        head_dim: Width of a head; None if it isn't known.

    Returns:
        The kernel.

    Raises:
        ValueError: If there is none of this name (E113).
        ImportError: If it is "triton", and Triton can't be imported (E122).
    """
    if name == "auto":
        name = "triton" if is_fastest(torch.device(device), dtype, head_dim) else "strided"
    if name == "triton":
        return _triton_attention()
    if name not in ATTENTION_KERNELS:
        known = ", ".join(["auto", *ATTENTION_KERNELS, "triton"])
        raise ValueError(Errors.E113.format(value=name, known=known))
    return ATTENTION_KERNELS[name]


def plan_attention(
    kernel: AttentionKernel, layout: BatchLayout, positions: Tensor | None
) -> AttentionContext:
    """Plan a batch, with another kernel where this one can't compute its query rows alone.

    Args:
        kernel: Computes the attention.
        layout: The batch.
        positions: See `AttentionContext`.

    Returns:
        What the layers share.
    """
    if layout.query_rows is not None and not kernel.takes_query_rows:
        kernel = ATTENTION_KERNELS["rows"]
    return AttentionContext(kernel, kernel.plan(layout), positions, layout.slots)


def _triton_attention() -> AttentionKernel:
    try:
        from .triton.attention import TritonAttention
    except ImportError as error:
        raise ImportError(
            Errors.E122.format(reason=f"Triton can't be imported ({error})")
        ) from error
    return TritonAttention()


__all__ = [
    "ATTENTION_KERNELS",
    "AttentionContext",
    "AttentionInputs",
    "AttentionKernel",
    "Attentions",
    "BatchLayout",
    "plan_attention",
    "resolve_attention",
]

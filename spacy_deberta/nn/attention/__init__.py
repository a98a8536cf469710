"""Disentangled attention: one interface, several kernels.

`reference` is the maths, one sequence at a time, and the oracle of all others. `strided` is plain
torch, fast enough for every device. `triton` is for GPUs, and imported when it is asked for: Triton
is not on every machine. A new kernel is an object as `AttentionKernel` describes it,
put into `ATTENTION_KERNELS`; the tests of `tests/nn/attention` hold it to `reference`.
"""

import torch

from spacy_deberta.errors import Errors

from .interface import AttentionContext, AttentionKernel, Attentions, BatchLayout
from .reference import ReferenceAttention
from .rows import RowAttention
from .strided import StridedAttention
from .triton.support import is_fastest

ATTENTION_KERNELS: dict[str, AttentionKernel] = {
    kernel.name: kernel for kernel in (ReferenceAttention(), StridedAttention())
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
    "AttentionKernel",
    "Attentions",
    "BatchLayout",
    "RowAttention",
    "resolve_attention",
]

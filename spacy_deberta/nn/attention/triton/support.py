"""Supported head sizes and dtypes of the Triton kernels; importable without Triton."""

from importlib.util import find_spec

import torch

HEAD_DIMS = (32, 64, 128)
_HALF = (torch.bfloat16, torch.float16)
# Major version of the compute capability.
_HOPPER = 9
# Releases of Triton that the kernels are written for, as in the extra "triton" of the package.
_LOWEST = (3, 4)


def is_fastest(device: torch.device, dtype: torch.dtype, head_dim: int | None) -> bool:
    """Whether the Triton kernels are the fastest.

    Measured on an NVIDIA H200 in half precision: they are faster at every length. Other generations
    have other sizes of on-chip memory.

    Args:
        device: Device of the model.
        dtype: Compute dtype.
        head_dim: Width of a head; None if unknown.
    """
    if device.type != "cuda" or dtype not in _HALF or head_dim not in HEAD_DIMS:
        return False
    major, _ = torch.cuda.get_device_capability(device)
    return major == _HOPPER and why_not_triton() is None


def why_not_triton() -> str | None:
    """The reason why the installed Triton can't compile the kernels; None if it can."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    try:
        from triton import __version__ as release
    except ImportError as error:
        return f"Triton can't be imported ({error})"
    if tuple(map(int, release.split(".")[:2])) < _LOWEST:
        return f"Triton is {release}, older than {'.'.join(map(str, _LOWEST))}"
    return None

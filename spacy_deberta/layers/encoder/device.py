"""The device of an encoder, which may differ from that of thinc's layers."""

import torch
from thinc.api import get_torch_default_device

from spacy_deberta.errors import Warnings, warn


def resolve_device(name: str | None) -> torch.device:
    """Find the device that a setting names.

    Args:
        name: One of `DEVICES`, or None.

    Returns:
        For None that of thinc's layers. For "auto" also that, or else a GPU that only PyTorch can
        use, or else the CPU. "cuda" and "mps" are the CPU, with warning W313, where PyTorch has no
        such GPU, so that a pipeline that was trained on one can be loaded anywhere.
    """
    default = get_torch_default_device()
    if name is None or name == default.type or (name == "auto" and default.type != "cpu"):
        return default
    # Several processes select their GPUs by PyTorch's current one.
    if name in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if name in ("auto", "mps") and torch.backends.mps.is_available():
        return torch.device("mps", 0)
    if name in ("cuda", "mps"):
        warn(Warnings.W313.format(device=name))
    return torch.device("cpu")

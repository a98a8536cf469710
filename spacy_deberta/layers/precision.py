"""In which precision the encoder computes, and keeping small gradients alive in fp16."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from spacy_deberta import nn
from spacy_deberta.errors import Errors

COMPUTE_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Weights of 8 bits, for prediction only.
INT8 = "int8"
PRECISIONS = ("auto", *COMPUTE_DTYPES, INT8)


def check_precision(precision: str) -> None:
    """Raise where `precision` is none of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ValueError(Errors.E405.format(precision=precision, known=", ".join(PRECISIONS)))


def resolve_precision(precision: str, device: torch.device) -> str:
    """Make `"auto"` definite: bf16 where it is fast, on GPUs that have it and with AMX, else fp32.

    Args:
        precision: One of `PRECISIONS`.
        device: Where the encoder computes.

    Returns:
        A key of `COMPUTE_DTYPES`. With `"int8"` it is fp32, for all that isn't a dense weight.
    """
    check_precision(precision)
    if precision == INT8:
        return "fp32"
    if precision != "auto":
        return precision
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16"
    return "bf16" if device.type == "cpu" and nn.has_amx() else "fp32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Compute matrix products in a precision; weights stay float32.

    Args:
        precision: One of `PRECISIONS`.
        device: Where the encoder computes.
    """
    resolved = resolve_precision(precision, device)
    if resolved == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=COMPUTE_DTYPES[resolved])


class GradientScaler:
    """Scales gradients up on their way through an fp16 encoder, and down again before the update.

    thinc's `PyTorchGradScaler` unscales at every backward pass, so that accumulated gradients are
    unscaled several times; here it happens once, at the update.

    Source:
        Dynamic loss scaling, Micikevicius et al. 2018, section 3.2; PyTorch's default constants.
    """

    def __init__(self) -> None:
        self.scale = 2.0**16
        self._growth_factor = 2.0
        self._backoff_factor = 0.5
        self._growth_interval = 2000
        self._good_updates = 0

    def unscale(self, gradients: Sequence[torch.Tensor]) -> bool:
        """Divide accumulated gradients by the scale, in place, and adapt it.

        Args:
            gradients: All gradients of the update, any shapes.

        Returns:
            Whether the update can be done; False if a gradient overflowed.
        """
        overflow = not all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
        if overflow:
            self.scale *= self._backoff_factor
            self._good_updates = 0
            return False
        for gradient in gradients:
            gradient.div_(self.scale)
        self._good_updates += 1
        if self._good_updates == self._growth_interval:
            self.scale *= self._growth_factor
            self._good_updates = 0
        return True

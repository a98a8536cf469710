"""In which precision the encoder computes."""

from contextlib import AbstractContextManager, nullcontext

import torch

from spacy_deberta.errors import Errors

from . import processor

COMPUTE_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Weights of 8 bits, for prediction only.
INT8 = "int8"
PRECISIONS = ("auto", *COMPUTE_DTYPES, INT8)


def check_precision(precision: str) -> None:
    """Raise where `precision` is none of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ValueError(Errors.E405.format(precision=precision, known=", ".join(PRECISIONS)))


def resolve_precision(precision: str, device: torch.device) -> str:
    """Make `"auto"` definite: bf16 where there are instructions for it, else fp32.

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
    return "bf16" if device.type == "cpu" and processor.has_bf16() else "fp32"


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


def compute_dtype(rows: torch.Tensor) -> torch.dtype:
    """What matrix products with some rows are computed in: their own type, or that of autocast."""
    device = rows.device.type
    # Devices without autocast (torch's "meta" is one) refuse even the question whether it is on.
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return rows.dtype

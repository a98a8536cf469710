"""The precision that an encoder computes in."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from spacy_deberta.errors import Errors

from . import processor

_COMPUTE_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = ("auto", *_COMPUTE_DTYPES, "int8")

# What `Precision.active` says of the weights, within its block and in its thread.
_weights: ContextVar[torch.dtype | None] = ContextVar("weights", default=None)


@dataclass(frozen=True)
class Precision:
    """What an encoder computes in, and what it stores dense weights in for prediction.

    Parameters and their gradients keep their dtype in every precision.

    Args:
        compute: Dtype of matrix products: float32, bfloat16 or float16.
        weights: Dtype of the weights of dense layers in prediction: that of the products, or
            `torch.int8` for int8 quantization, on the CPU.
    """

    compute: torch.dtype
    weights: torch.dtype

    @classmethod
    def named(cls, name: str, device: torch.device) -> "Precision":
        """The precision of a name.

        Args:
            name: One of `PRECISIONS`. `"auto"` is bf16 where there are instructions for it, else
                fp32; `"int8"` computes all but the dense layers in fp32.
            device: Where the encoder computes.

        Raises:
            ValueError: If there is none of this name (E405).
        """
        check_precision(name)
        if name == "int8":
            return cls(torch.float32, torch.int8)
        if name == "auto":
            name = "bf16" if _has_bf16(device) else "fp32"
        compute = _COMPUTE_DTYPES[name]
        return cls(compute, compute)

    @classmethod
    def current(cls, rows: torch.Tensor) -> "Precision":
        """The precision of products with some rows, here and now.

        Args:
            rows: Any shape. Their dtype counts outside of `active` and of `torch.autocast`.
        """
        compute = compute_dtype(rows)
        return cls(compute, _weights.get() or compute)

    @contextmanager
    def active(self, device: torch.device) -> Iterator[None]:
        """Within a block, encoders and their heads compute in this precision.

        Args:
            device: Where they compute.
        """
        token = _weights.set(torch.int8 if self.weights == torch.int8 else None)
        products: AbstractContextManager[None] = nullcontext()
        if self.compute != torch.float32:
            products = torch.autocast(device.type, dtype=self.compute)
        try:
            with products:
                yield
        finally:
            _weights.reset(token)


def check_precision(name: str) -> None:
    """Raise where `name` is none of `PRECISIONS`."""
    if name not in PRECISIONS:
        raise ValueError(Errors.E405.format(precision=name, known=", ".join(PRECISIONS)))


def compute_dtype(rows: torch.Tensor) -> torch.dtype:
    """Dtype of matrix products with some rows: their own, or that of autocast."""
    device = rows.device.type
    # Devices without autocast (torch's "meta" is one) refuse even the question whether it is on.
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return rows.dtype


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and processor.has_bf16()

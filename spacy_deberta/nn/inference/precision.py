"""Precision of an encoder's computation."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from spacy_deberta.errors import Errors
from spacy_deberta.nn.ops import processor

_COMPUTE_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = ("auto", *_COMPUTE_DTYPES, "int8")

# Weight dtype set by `Precision.active`, within its block and its thread.
_weights: ContextVar[torch.dtype | None] = ContextVar("weights", default=None)


@dataclass(frozen=True)
class Precision:
    """Dtypes of an encoder's matrix products, and of its dense weights in inference.

    Parameters and their gradients keep their dtype in every precision.

    Args:
        compute: Dtype of matrix products: float32, bfloat16 or float16.
        weights: Dtype of dense weights in inference: that of the products, or `torch.int8` for
            int8 quantization on the CPU. Weights that were loaded in a narrower one stay in it,
            and are widened for each product.
    """

    compute: torch.dtype
    weights: torch.dtype

    @classmethod
    def named(cls, name: str, device: torch.device) -> "Precision":
        """Look up a precision by name.

        Args:
            name: One of `PRECISIONS`. `"auto"` is bf16 if the device has instructions for it, else
                fp32; `"int8"` computes all but the dense layers likewise.
            device: Device of the encoder.

        Raises:
            ValueError: If the name is unknown (E405).
        """
        check_precision(name)
        if name in ("auto", "int8"):
            compute = torch.bfloat16 if _has_bf16(device) else torch.float32
        else:
            compute = _COMPUTE_DTYPES[name]
        return cls(compute, torch.int8 if name == "int8" else compute)

    @property
    def of_training(self) -> "Precision":
        """The precision in which a model is trained: float32 if it predicts in int8."""
        exact = Precision(torch.float32, torch.float32)
        return exact if self.weights == torch.int8 else self

    @property
    def of_rest(self) -> "Precision":
        """The precision of all that is not quantized."""
        return Precision(self.compute, self.compute)

    @classmethod
    def current(cls, rows: torch.Tensor) -> "Precision":
        """The active precision for products with a tensor.

        Args:
            rows: Any shape. Its dtype is used outside `active` and `torch.autocast`.
        """
        compute = compute_dtype(rows)
        return cls(compute, _weights.get() or compute)

    @contextmanager
    def active(self, device: torch.device) -> Iterator[None]:
        """Context manager that runs encoders and their heads in this precision.

        Args:
            device: Device of the encoders.
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
    """Raise E405 for a name outside `PRECISIONS`."""
    if name not in PRECISIONS:
        raise ValueError(Errors.E405.format(precision=name, known=", ".join(PRECISIONS)))


def compute_dtype(rows: torch.Tensor) -> torch.dtype:
    """Dtype of matrix products with a tensor: autocast's if enabled, else its own."""
    device = rows.device.type
    # `is_autocast_enabled` raises for devices without autocast, such as "meta".
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return rows.dtype


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and processor.has_bf16()

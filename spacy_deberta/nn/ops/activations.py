"""Activation functions by their names in configurations."""

from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import shorten


def _identity(x: Tensor) -> Tensor:
    return x


def _quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


_gelu_tanh = partial(functional.gelu, approximate="tanh")

ACTIVATIONS: MappingProxyType[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "gelu": functional.gelu,
        "gelu_python": functional.gelu,
        "gelu_new": _gelu_tanh,
        "gelu_fast": _gelu_tanh,
        "gelu_pytorch_tanh": _gelu_tanh,
        "gelu_accurate": _gelu_tanh,
        "leaky_relu": functional.leaky_relu,
        "linear": _identity,
        "mish": functional.mish,
        "quick_gelu": _quick_gelu,
        "relu": functional.relu,
        "relu6": functional.relu6,
        "sigmoid": torch.sigmoid,
        "silu": functional.silu,
        "swish": functional.silu,
        "tanh": torch.tanh,
    }
)


def resolve_activation(name: str, *, field: str = "activation") -> Callable[[Tensor], Tensor]:
    """Look up an activation function by its name in Hugging Face configurations.

    Args:
        name: For instance "gelu".
        field: Name of the setting for the error, for instance "hidden_act".

    Returns:
        The function, elementwise on a tensor of any shape.

    Raises:
        ValueError: If the name is unknown (E104).
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            Errors.E104.format(value=shorten(name), field=field, known=", ".join(ACTIVATIONS))
        )
    return ACTIVATIONS[name]

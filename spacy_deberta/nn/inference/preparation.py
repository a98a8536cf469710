"""Registry of functions that prepare modules for inference, by module type."""

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from .precision import Precision

PrepareT = TypeVar("PrepareT", bound=Callable[..., Any])
_PREPARATIONS: dict[type[nn.Module], Callable[..., Any]] = {}


def prepares(*types: type[nn.Module]) -> Callable[[PrepareT], PrepareT]:
    """Register a preparation function for module types.

    Subclasses are not included: their `forward` may differ.

    Args:
        types: The types.

    Returns:
        A decorator for a function of a module in evaluation mode, the `Precision`, and arguments
        from the parent module. It returns an inference-only equivalent, valid until the weights
        change.
    """

    def register(function: PrepareT) -> PrepareT:
        _PREPARATIONS.update(dict.fromkeys(types, function))
        return function

    return register


def prepare(module: nn.Module, precision: Precision, *args: Any) -> Any:
    """Prepare a module of a registered type.

    Args:
        module: The module, in evaluation mode.
        precision: Precision of the computation.
        args: Further arguments of its preparation function.
    """
    return _PREPARATIONS[type(module)](module, precision, *args)


def unprepared_types(module: nn.Module) -> set[type[nn.Module]]:
    """Module types within a module without a preparation function."""
    return {type(part) for part in module.modules()} - set(_PREPARATIONS)


def is_changed(module: nn.Module) -> bool:
    """Whether a module itself has hooks or an overridden `forward`."""
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in module.__dict__)

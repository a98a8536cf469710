"""How modules are prepared for prediction: one registered function for each type of module."""

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from .precision import Precision

PrepareT = TypeVar("PrepareT", bound=Callable[..., Any])
_PREPARATIONS: dict[type[nn.Module], Callable[..., Any]] = {}


def prepares(*types: type[nn.Module]) -> Callable[[PrepareT], PrepareT]:
    """Register how modules of some types are prepared.

    Subclasses are not included: they may compute something else.

    Args:
        types: The types.

    Returns:
        A decorator of a function that takes a module in evaluation mode, the `Precision`, and what
        the module around it hands down. It returns what computes the same without gradients; that
        holds until weights change.
    """

    def register(function: PrepareT) -> PrepareT:
        _PREPARATIONS.update(dict.fromkeys(types, function))
        return function

    return register


def prepare(module: nn.Module, precision: Precision, *handed_down: Any) -> Any:
    """Prepare a module, of a type that is registered.

    Args:
        module: The module, in evaluation mode.
        precision: What it computes in.
        handed_down: What its function takes beside that.
    """
    return _PREPARATIONS[type(module)](module, precision, *handed_down)


def unprepared_types(module: nn.Module) -> set[type[nn.Module]]:
    """The types within a module that nobody has said how to prepare."""
    return {type(part) for part in module.modules()} - set(_PREPARATIONS)


def is_changed(module: nn.Module) -> bool:
    """Whether a module, not what is in it, has hooks or another `forward` than its class."""
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in module.__dict__)

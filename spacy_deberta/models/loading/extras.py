"""What checkpoints are known to hold beside the parameters of the module that is loaded."""

from collections.abc import Collection, Mapping
from typing import Protocol

from spacy_deberta.checkpoints import describe_encoder_extra


class HasModules(Protocol):
    """A head, as far as names of parameters go: `HeadSpec`."""

    @property
    def modules(self) -> tuple[Mapping[str, str], ...]:
        """Descriptions of its modules by their names in checkpoints, for each layout."""


_heads: Collection[HasModules] = ()


def set_known_heads(heads: Collection[HasModules]) -> None:
    """Set the heads whose parameters are known.

    Loading is below the heads, which load themselves by it, so that it does not import them.

    Args:
        heads: The values of `HEADS`, which see later changes of it.
    """
    global _heads
    _heads = heads


def describe_extra(key: str) -> str | None:
    """Describe a parameter outside a module, if released checkpoints have it.

    Args:
        key: A name as `KeyMap.to_ours` gives it.

    Returns:
        A short description, or None for an unknown name.
    """
    module = key.partition(".")[0]
    for head in _heads:
        for modules in head.modules:
            if module in modules:
                return modules[module]
    return describe_encoder_extra(key)

"""Interface to spacy-transformers, if it is installed; only this module refers to its classes.

It is imported on first use only, because the import takes 1 to 4 seconds.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

PACKAGE = "spacy_transformers"


def stock_is_installed() -> bool:
    """Whether spacy-transformers can be imported, without importing it."""
    return PACKAGE in sys.modules or find_spec(PACKAGE) is not None


def import_stock(name: str) -> Any:
    """Import an object of spacy-transformers.

    Args:
        name: Module and name within the package, such as `"span_getters.get_doc_spans"`.
    """
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(f"{PACKAGE}.{module}"), attribute)


def loaded_class(name: str) -> type | None:
    """A class of spacy-transformers, or None if its module is not imported yet."""
    module, _, attribute = name.rpartition(".")
    found = getattr(sys.modules.get(f"{PACKAGE}.{module}"), attribute, None)
    return found if isinstance(found, type) else None


def is_stock(value: object, name: str) -> bool:
    """Whether a value is an instance of a class of spacy-transformers."""
    stock_class = loaded_class(name)
    return stock_class is not None and isinstance(value, stock_class)


class StandIn:
    """Base of classes whose instances pass `isinstance` for a class of spacy-transformers.

    Its pipe and layers check their inputs by `isinstance`, which also tests `__class__`. This
    returns their class as soon as it is imported. So the packages can be imported in any order,
    objects made before the import pass too, and pickles have one class.
    """

    stands_for: ClassVar[str]

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return loaded_class(self.stands_for) or type(self)

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *vars(self)})

    def __reduce_ex__(self, protocol: Any) -> Any:
        # pickle refuses `__newobj__` for an object whose `__class__` differs from its type.
        reduced: Any = super().__reduce_ex__(max(protocol, 2))
        return (make_instance, *reduced[1:])


def make_instance(cls: type, *arguments: Any) -> Any:
    """Create an instance for pickle, which then sets its state."""
    make: Callable[..., Any] = cls.__new__
    return make(cls, *arguments)

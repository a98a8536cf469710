"""The catalogue of errors and warnings.

Every message has a code, names the cause and says the way out. Codes stay the same once released,
so that people can search for them. First digit: 1 encoder, 2 tokenization, 3 checkpoints,
4 spaCy layers and components, 5 command line.
"""

import warnings
from typing import Any


class _Coded(type):
    """Puts the code in front of the message: `Errors.E101` is `"[spacy-deberta E101] ..."`."""

    def __getattribute__(cls, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_"):
            return value
        return f"[spacy-deberta {name}] {value}"


class Errors(metaclass=_Coded):
    """Messages of exceptions, used as `raise ValueError(Errors.E101.format(...))`."""


class Warnings(metaclass=_Coded):
    """Messages of warnings, used as `warn(Warnings.W201.format(...))`."""


def warn(message: str, *, stacklevel: int = 3) -> None:
    """Show a warning of the catalogue as raised by the caller's caller.

    Args:
        message: A formatted message of `Warnings`.
        stacklevel: As in `warnings.warn`, counted from this function.
    """
    warnings.warn(message, UserWarning, stacklevel=stacklevel)

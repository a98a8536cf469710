"""The metaclass that prefixes messages with their codes."""

from typing import Any

_PREFIX = "[spacy-deberta "


def is_coded(error: BaseException) -> bool:
    """Whether an exception has a message of this catalogue."""
    return str(error).startswith(_PREFIX)


class Coded(type):
    """Puts the code in front of the message: `Errors.E101` is `"[spacy-deberta E101] ..."`."""

    def __getattribute__(cls, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_"):
            return value
        return f"{_PREFIX}{name}] {value}"

"""How messages get their codes."""

from typing import Any


class Coded(type):
    """Puts the code in front of the message: `Errors.E101` is `"[spacy-deberta E101] ..."`."""

    def __getattribute__(cls, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_"):
            return value
        return f"[spacy-deberta {name}] {value}"

"""Records: the texts to annotate, or why there is none, as readers yield them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

NO_TEXT = "no text"
NO_ID = "no id"
# Fields that an error names.
_MOST_NAMES = 10


class Record(NamedTuple):
    """A row of the input.

    Attributes:
        id: The value of the id field, or the place of the row: its file and number.
        text: The text; None if the row has none.
        kept: The fields to copy to the output.
        error: Why it can't be annotated: a kind, and after a colon the details.
    """

    id: str
    text: str | None
    kept: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordFields:
    """Which fields of an input row are read.

    Attributes:
        text: The field of the text.
        id: The field of the id; None for the place of the row.
        keep: Fields to copy to the output.
    """

    text: str = "text"
    id: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All fields that are read, each once."""
        return list(dict.fromkeys([self.text, *([self.id] if self.id else []), *self.keep]))

    def read(self, values: Any, place: str) -> Record:
        """Make a record of a row.

        Args:
            values: The fields of the row, by their names.
            place: Identifies the row.
        """
        if not isinstance(values, Mapping):
            return Record(place, None, {}, f"{NO_TEXT}: the row is no object")
        kept = {name: values.get(name) for name in self.keep}
        text, error = values.get(self.text), None
        if not isinstance(text, str):
            error = _describe(self.text, values, NO_TEXT)
            text = None
        elif not _is_unicode(text):
            error = f"not UTF-8: '{self.text}' has half of a surrogate pair"
            text = text.encode("utf-8", "replace").decode()
        name = place
        if self.id is not None:
            value = values.get(self.id)
            if _is_id(value):
                name = encodable(str(value))
            else:
                error = error or _describe(self.id, values, NO_ID)
        return Record(name, text, kept, error)


def _describe(field: str, values: Mapping[str, Any], kind: str) -> str:
    if field in values:
        value = values[field]
        found = "empty" if value == "" else f"{value}"[:20]
        if not isinstance(value, str | float):
            found = f"of the type {type(value).__name__}"
        return f"{kind}: '{field}' is {found}"
    names = [str(name)[:50] for name in list(values)[:_MOST_NAMES]]
    more = f" and {len(values) - len(names)} more" if len(values) > len(names) else ""
    found = encodable(", ".join(names) or "none")
    return f"{kind}: there is no field '{field}'; the fields are {found}{more}"


def _is_id(value: Any) -> bool:
    if isinstance(value, float | Decimal):
        return math.isfinite(value)
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value) != ""


def encodable(text: str) -> str:
    """A text that UTF-8 can encode, with escapes for halves of surrogate pairs.

    Paths have them for bytes that are no UTF-8, and JSON may have them anywhere.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def _is_unicode(text: str) -> bool:
    """Whether a text can be encoded: JSON may hold one half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

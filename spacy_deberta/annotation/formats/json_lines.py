"""JSON lines: a row in each line."""

import json
import math
from typing import IO, Any

from spacy_deberta.annotation.row_columns import RowColumns

from .format import AnnotatedRows


class JsonLinesFormat:
    """Rows as lines of JSON, in UTF-8."""

    def encode(self, annotated: AnnotatedRows, columns: RowColumns) -> bytes:
        """Encode annotated texts as lines."""
        return b"".join(_to_line(columns.make_row(*row)) for row in annotated)

    def open(self, file: IO[bytes], columns: RowColumns) -> "_Lines":
        """Begin a file."""
        return _Lines(file)


class _Lines:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        """Add lines."""
        self._file.write(data)

    def close(self) -> None:
        """Nothing follows the last line."""


def _to_line(row: dict[str, Any]) -> bytes:
    line = to_json(row) + "\n"
    try:
        return line.encode()
    except UnicodeEncodeError:  # half of a surrogate pair in a kept field
        return (json.dumps(json.loads(line)) + "\n").encode()


def to_json(value: Any) -> str:
    """JSON of a value. What JSON lacks becomes null (NaN) or a string (a date of Parquet)."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(value), ensure_ascii=False, default=str)


def _without_nan(value: Any) -> Any:
    """The value with None for numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(own) for own in value]
    return value

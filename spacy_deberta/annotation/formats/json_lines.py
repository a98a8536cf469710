"""JSON lines: a row in each line."""

import json
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
    try:
        return (to_json(row) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair in a kept field
        return (json.dumps(row, default=str) + "\n").encode()


def to_json(value: Any) -> str:
    """JSON of a value. Dates and other values of Parquet, which JSON lacks, become strings."""
    return json.dumps(value, ensure_ascii=False, default=str)

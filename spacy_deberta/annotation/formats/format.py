"""What a format of the output has to have."""

from collections.abc import Sequence
from typing import IO, Protocol

from spacy.tokens import Doc

from spacy_deberta.annotation.records import Record
from spacy_deberta.annotation.row_columns import RowColumns

# Records, their documents and errors.
AnnotatedRows = Sequence[tuple[Record, Doc, str | None]]


class PartFile(Protocol):
    """A file that is being written."""

    def write(self, data: bytes) -> None:
        """Add what `OutputFormat.encode` returned."""

    def close(self) -> None:
        """Complete the file."""


class OutputFormat(Protocol):
    """A format: annotated texts become bytes in the processes that annotate, and files in one."""

    def encode(self, annotated: AnnotatedRows, columns: RowColumns) -> bytes:
        """Encode annotated texts.

        Args:
            annotated: Records, their documents and errors.
            columns: What a row has.
        """

    def open(self, file: IO[bytes], columns: RowColumns) -> PartFile:
        """Begin a file.

        Args:
            file: An open file.
            columns: What a row has.
        """

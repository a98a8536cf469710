"""The records of all input files, from any position on."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from .input_files import InputFile
from .reading import read_input
from .records import Record, RecordFields, encodable


class Position(NamedTuple):
    """Where a record is.

    Attributes:
        file: Index of its file.
        number: Of its row in the file, as `read_input` counts.
        records: Number of records up to it, with it.
        bytes_read: Number of bytes of all files up to it.
    """

    file: int = 0
    number: int = 0
    records: int = 0
    bytes_read: int = 0


class RecordStream:
    """An iterator over the records of files.

    Args:
        files: The files.
        fields: Which fields are read.
        start: The position of the last record that is left out.
        limit: Number of records of all files, at most; None for all.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        fields: RecordFields,
        *,
        start: Position = Position(),  # noqa: B008 (immutable)
        limit: int | None = None,
    ) -> None:
        self._files = files
        self._fields = fields
        self._records = self._read(start)
        if limit is not None:
            self._records = islice(self._records, max(0, limit - start.records))
        #: The position of the last record.
        self.position = start

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        return next(self._records)

    def take(self, count: int) -> Iterator[Record]:
        """The next records, as many as there are, read while they are used."""
        return islice(self._records, count)

    def _read(self, start: Position) -> Iterator[Record]:
        count = start.records
        names = self._fields.names
        for index in range(start.file, len(self._files)):
            file = self._files[index]
            before = sum(file.size for file in self._files[:index])
            after = start.number if index == start.file else 0
            for number, values, error, done in read_input(file, names, after=after):
                count += 1
                bytes_read = before + round(done * file.size)
                self.position = Position(index, number, count, bytes_read)
                place = encodable(f"{file.path}:{number}")
                if error is None:
                    yield self._fields.read(values, place)
                else:
                    yield Record(place, None, dict.fromkeys(self._fields.keep), error)

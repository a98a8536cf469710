"""Read the rows of one input file, bad ones too."""

import bz2
import codecs
import csv
import gzip
import json
import lzma
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, NamedTuple

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_deberta.errors import Errors

from .input_files import CSV, DOC_BIN, JSONL, PARQUET, TEXT, TSV, InputFile

BAD_JSON, NOT_UTF8, DAMAGED = "invalid JSON", "not UTF-8", "damaged file"
# Open a compressed file over an open one, whose position tells how much was read.
_OPENERS: Mapping[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
# Ends lines in tables of old programs for the Mac, which the csv module takes for an error.
_OLD_LINE_END = re.compile(r"(?<=\r)(?!\n)")
_OPEN_QUOTE = "invalid table: a quote that opens in this row is not closed"
_DAMAGES = (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile)


class InputRow(NamedTuple):
    """A row of a file.

    Attributes:
        number: Of the line in lines of text or JSON, otherwise of the row, from 1.
        values: The fields, if the row can be read.
        error: Why it can't.
        done: The share of the file that is read with this row, from 0 to 1.
    """

    number: int
    values: Any
    error: str | None
    done: float


def read_input(file: InputFile, names: Sequence[str], *, after: int = 0) -> Iterator[InputRow]:
    """Read the rows of a file.

    Args:
        file: The file.
        names: The fields to read, the first of which is that of the text. Others may be missing.
        after: The number of the row after which to start.

    Yields:
        The rows, in order. If the rest of the file can't be read, the last one says why.

    Raises:
        OSError: The file can't be opened.
        ValueError: pyarrow, which reads Parquet, is not installed (E803).
    """
    rows = _READERS[file.kind](file, names, after)
    # A reader begins before the row if it can't find it, and with damage it can't.
    return (row for row in rows if row.number > after)


def _read_jsonl(file: InputFile, names: Sequence[str], after: int) -> Iterator[InputRow]:
    for number, line, done in _read_lines(file):
        if number <= after or not line.strip():
            continue
        if isinstance(line, _Damage):
            yield InputRow(number, None, str(line), done)
            continue
        values, error = None, None
        try:
            values = json.loads(line.decode())
        except UnicodeDecodeError as problem:
            error = f"{NOT_UTF8}: byte {problem.start + 1} of the line, {problem.reason}"
        except (ValueError, RecursionError) as problem:
            error = f"{BAD_JSON}: {problem}"
        yield InputRow(number, values, error, done)


def _read_text(file: InputFile, names: Sequence[str], after: int) -> Iterator[InputRow]:
    for number, line, done in _read_lines(file):
        if number <= after or not line.strip():
            continue
        if isinstance(line, _Damage):
            yield InputRow(number, None, str(line), done)
            continue
        try:
            text = line.decode().rstrip("\r\n")
            yield InputRow(number, {names[0]: text}, None, done)
        except UnicodeDecodeError as problem:
            error = f"{NOT_UTF8}: byte {problem.start + 1} of the line, {problem.reason}"
            yield InputRow(number, None, error, done)


def _read_table(file: InputFile, names: Sequence[str], after: int) -> Iterator[InputRow]:
    # Texts may be longer than the limit of 131,072 characters; a C long bounds it on Windows.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    done, damage, columns, number, at_end = 0.0, "", None, 0, False

    def lines() -> Iterator[str]:
        nonlocal done, damage, at_end
        for _, line, share in _read_lines(file):
            done = share
            if isinstance(line, _Damage):
                damage = str(line)
                break
            # Bytes that are no UTF-8 become halves of surrogate pairs, which are found below.
            text = line.decode("utf-8", "surrogateescape")
            yield from filter(None, _OLD_LINE_END.split(text))
        at_end = True

    reader = csv.reader(lines(), delimiter="\t" if file.kind == TSV else ",")
    while True:
        error = None
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as problem:
            cells, error = [], f"invalid table: {problem}"
        if at_end:
            # Only within quotes does the reader ask for another line before it returns a row.
            error = _OPEN_QUOTE
        if not error and not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            if error:
                damage = _damage(csv.Error(error))
                break
            columns = [cell.strip() for cell in cells]
            if twice := [name for name, n in Counter(columns).items() if name and n > 1]:
                raise ValueError(Errors.E804.format(path=file.path, column=twice[0]))
            continue
        number += 1
        if not error and len(cells) != len(columns):
            error = f"invalid table: {len(cells)} columns instead of {len(columns)}"
        values = dict(zip(columns, cells, strict=False))
        if not error and any(not _is_unicode(values.get(name, "")) for name in names):
            error = f"{NOT_UTF8}: in a cell of the row"
        yield InputRow(number, None if error else values, error, done)
    if damage:
        yield InputRow(number + 1, None, damage, 1.0)


def _read_parquet(file: InputFile, names: Sequence[str], after: int) -> Iterator[InputRow]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ValueError(Errors.E803.format(what=f"read '{file.path}'")) from error
    number = 0
    with Path(file.path).open("rb") as raw:
        try:
            opened = parquet.ParquetFile(raw)
            columns = [name for name in names if name in opened.schema_arrow.names]
            total = opened.metadata.num_rows or 1
            for group in range(opened.num_row_groups):
                size = opened.metadata.row_group(group).num_rows
                if number + size < after:
                    number += size
                    continue
                batches = opened.iter_batches(1024, row_groups=[group], columns=columns)
                for values, problem in (row for batch in batches for row in _arrow_rows(batch)):
                    number += 1
                    yield InputRow(number, values, problem, number / total)
        except (pyarrow.ArrowException, OSError) as error:
            yield InputRow(number + 1, None, _damage(error), 1.0)


def _arrow_rows(batch: Any) -> list[tuple[Any, str | None]]:
    """The rows of a batch, or why they have no values."""
    try:
        return [(values, None) for values in batch.to_pylist()]
    except (ValueError, OverflowError):  # a value of one of the rows
        return [_arrow_row(batch.slice(n, 1)) for n in range(batch.num_rows)]


def _arrow_row(row: Any) -> tuple[Any, str | None]:
    try:
        values = [_arrow_value(column) for column in row.columns]
    except UnicodeDecodeError:
        return None, f"{NOT_UTF8}: in a cell of the row"
    except ValueError as error:
        return None, f"invalid table: {' '.join(str(error).split())}"
    return dict(zip(row.schema.names, values, strict=True)), None


def _arrow_value(column: Any) -> Any:
    """The first value of a column."""
    try:
        return column[0].as_py()
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):
        # A time that Python lacks, in nanoseconds or after the year 9999, is a text.
        return column.cast("string")[0].as_py()


def _read_doc_bin(file: InputFile, names: Sequence[str], after: int) -> Iterator[InputRow]:
    data = Path(file.path).read_bytes()
    number = 0
    try:
        doc_bin = DocBin().from_bytes(data)
        total = len(doc_bin) or 1
        for doc in doc_bin.get_docs(Vocab()):
            number += 1
            yield InputRow(number, {names[0]: doc.text}, None, number / total)
    # The type of the error depends on the position of the damage.
    except Exception as error:
        yield InputRow(number + 1, None, _damage(error), 1.0)


class _Damage(str):
    """Why the rest of a file can't be read."""


def _damage(error: Exception) -> str:
    return f"{DAMAGED}: the rest of it can't be read, {' '.join(str(error).split())}"


def _read_lines(file: InputFile) -> Iterator[tuple[int, Any, float]]:
    """Number, bytes or damage, and the share of the file, for each line."""
    opener = _OPENERS.get(Path(file.path).suffix.lower())
    size = file.size or 1
    number = read = 0
    with Path(file.path).open("rb") as raw:
        lines: IO[bytes] | BufferedIOBase = raw if opener is None else opener(raw)
        try:
            for line in lines:
                number += 1
                read += len(line)
                line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                yield number, line, min(1.0, (read if opener is None else raw.tell()) / size)
        except (*_DAMAGES, OSError) as error:
            yield number + 1, _Damage(_damage(error)), 1.0


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


_READERS: Mapping[str, Callable[[InputFile, Sequence[str], int], Iterator[InputRow]]] = {
    JSONL: _read_jsonl,
    TEXT: _read_text,
    CSV: _read_table,
    TSV: _read_table,
    PARQUET: _read_parquet,
    DOC_BIN: _read_doc_bin,
}

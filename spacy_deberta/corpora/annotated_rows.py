"""Rows of JSONL, JSON, CSV or TSV with texts and annotations."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.files import COMPRESSIONS, read_lines

DELIMITERS: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (".jsonl", ".json", *DELIMITERS)


@dataclass(frozen=True)
class Row:
    """A row of a file.

    Attributes:
        place: The file and the line.
        values: The fields by their names.
    """

    place: str
    values: Mapping[str, Any]


def read_rows(path: Path, *, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Read the rows of a file. `.xz`, `.gz` and `.bz2` are decompressed.

    Args:
        path: A file of which the name ends in .jsonl, .json, .csv or .tsv. JSON is a list of rows.
            A row is an object, or a pair of a text and an object, as spaCy 2 had them.
        columns: The names of a table's columns; None if its first line has them.

    Yields:
        The rows.

    Raises:
        ValueError: Another suffix (E531), a row that can't be read (E532), or a file that can't be
            read (E701, E703, E706).
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in DELIMITERS:
        return _read_table(path, DELIMITERS[suffix], columns)
    if suffix == ".jsonl":
        return _read_jsonl(path)
    if suffix == ".json":
        return _read_json(path)
    raise ValueError(Errors.E531.format(path=path, known=", ".join(SUFFIXES)))


def _read_jsonl(path: Path) -> Iterator[Row]:
    for number, line in read_lines(path):
        if line.strip():
            place = f"{path}, line {number}"
            yield _to_row(place, _parse(place, line))


def _read_json(path: Path) -> Iterator[Row]:
    rows = _parse(str(path), "\n".join(line for _, line in read_lines(path)))
    if not isinstance(rows, list):
        raise ValueError(Errors.E532.format(place=path, reason="the file is not a list of rows"))
    for number, row in enumerate(rows, start=1):
        yield _to_row(f"{path}, row {number}", row)


def _parse(place: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(Errors.E532.format(place=place, reason=f"no JSON: {error}")) from error
    except RecursionError as error:
        reason = "the JSON is nested too deeply"
        raise ValueError(Errors.E532.format(place=place, reason=reason)) from error


def _to_row(place: str, value: Any) -> Row:
    # (text, {"entities": [...]}), the training data of spaCy 2.
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
        value = {"text": value[0], **value[1]}
    if not isinstance(value, dict):
        reason = 'it is no object such as {"text": "…", "entities": [[0, 4, "PERSON"]]}'
        raise ValueError(Errors.E532.format(place=place, reason=reason))
    return Row(place, value)


def _read_table(path: Path, delimiter: str, columns: Sequence[str] | None) -> Iterator[Row]:
    # Texts may be longer than the limit of 131,072 characters; a C long bounds it on Windows.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    lines = (f"{line}\n" for _, line in read_lines(path))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        place = f"{path}, line {reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(Errors.E532.format(place=place, reason=str(error))) from error
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = [cell.strip() for cell in cells]
            if twice := [name for name, n in Counter(columns).items() if name and n > 1]:
                reason = f"it names the column '{twice[0]}' twice"
                raise ValueError(Errors.E532.format(place=place, reason=reason))
        elif len(cells) != len(columns):
            reason = f"it has {len(cells)} columns instead of {len(columns)}"
            raise ValueError(Errors.E532.format(place=place, reason=reason))
        else:
            yield Row(place, dict(zip(columns, cells, strict=True)))

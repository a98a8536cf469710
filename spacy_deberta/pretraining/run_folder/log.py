"""The course of a pretraining as lines of JSON."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.files import write_atomically
from spacy_deberta.pretraining.updates.metrics import PhaseScores
from spacy_deberta.typed_json import parse_typed

from .folder import failures_named


@dataclass(frozen=True, kw_only=True)
class LogRow:
    """How far the training is, and how it does.

    Attributes:
        step: How many updates were made.
        epoch: How often the corpus was read, with the part of it that was read last.
        pieces: How many pieces were learned from since the row before.
        seconds: How long that took.
        learn_rate: Of the last update.
        training: Scores of every phase since the row before.
        held_out: Scores of every phase on text that is not learned from; None if they were not
            asked for.
    """

    step: int
    epoch: float
    pieces: int
    seconds: float
    learn_rate: float
    training: Mapping[str, PhaseScores]
    held_out: Mapping[str, PhaseScores] | None = None

    @property
    def pieces_per_second(self) -> float:
        """Speed, evaluations and checkpoints left out."""
        return self.pieces / self.seconds if self.seconds else 0.0


_ROW = TypeAdapter(LogRow)


def append_row(path: Path, row: LogRow) -> None:
    """Add a row to a log, and wait until it is on the disk.

    Args:
        path: The log, or nothing yet.
        row: The row.

    Raises:
        OSError: It can't be written (E735).
    """
    with failures_named(path), path.open("a", encoding="utf-8") as file:
        file.write(_line(row))
        file.flush()
        os.fsync(file.fileno())


def read_rows(path: Path) -> list[LogRow]:
    """Read a log, or nothing if there is none. Lines that are damaged are left out.

    Args:
        path: The log.

    Raises:
        OSError: It can't be read (E739).
    """
    rows, _ = _read(path)
    return rows


def drop_rows_after(path: Path, step: int) -> None:
    """Remove the rows of updates that a restart makes again.

    What a process that was killed left of its last line goes as well. Other lines that are damaged
    are left out with a warning (W703), and the log that has them is put aside.

    Args:
        path: The log, or nothing yet.
        step: The last update that stays.

    Raises:
        OSError: It can't be read (E739) or written (E735).
    """
    rows, damaged = _read(path)
    kept = "".join(_line(row) for row in rows if row.step <= step)
    with failures_named(path):
        if damaged:
            aside = path.with_name(f"damaged-{path.name}")
            path.replace(aside)
            lines = ", ".join(map(str, damaged))
            warn(Warnings.W703.format(path=path, lines=lines, aside=aside), stacklevel=4)
        write_atomically(path, kept.encode())


def _line(row: LogRow) -> str:
    values = {**asdict(row), "pieces_per_second": round(row.pieces_per_second, 1)}
    return json.dumps(values) + "\n"


def _read(path: Path) -> tuple[list[LogRow], list[int]]:
    """The rows, and the numbers of lines that are none, but for the last one if it has no end."""
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise OSError(Errors.E739.format(path=path, error=error.strerror)) from error
    rows, damaged = [], []
    for number, line in enumerate(lines, start=1):
        row = _parse(line)
        if row is not None:
            rows.append(row)
        elif line.endswith(b"\n"):
            damaged.append(number)
    return rows, damaged


def _parse(line: bytes) -> LogRow | None:
    try:
        return parse_typed(line, _ROW)
    except ValueError:
        return None

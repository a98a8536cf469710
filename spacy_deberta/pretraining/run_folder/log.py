"""The log of a pretraining in JSON lines."""

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
    """Progress, speed and scores of the training.

    Attributes:
        step: Number of updates.
        epoch: Number of passes over the corpus, with a fraction.
        pieces: Number of training pieces since the last row.
        seconds: Training time since the last row.
        learn_rate: Of the last update.
        training: Scores of every phase since the last row.
        held_out: Scores of every phase on held-out text; None without an evaluation.
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
        """Training speed, without evaluations and checkpoints."""
        return self.pieces / self.seconds if self.seconds else 0.0


_ROW = TypeAdapter(LogRow)


def append_row(path: Path, row: LogRow) -> None:
    """Append a row to a log, and sync it to disk.

    Args:
        path: The log, which may not exist yet.
        row: The row.

    Raises:
        OSError: It can't be written (E735).
    """
    with failures_named(path), path.open("a", encoding="utf-8") as file:
        file.write(_line(row))
        file.flush()
        os.fsync(file.fileno())


def read_rows(path: Path) -> list[LogRow]:
    """Read a log; a missing log has no rows. Damaged lines are skipped.

    Args:
        path: The log.

    Raises:
        OSError: It can't be read (E739).
    """
    rows, _ = _read(path)
    return rows


def drop_rows_after(path: Path, step: int) -> None:
    """Remove the rows of updates that a resumed run repeats.

    An incomplete last line of a killed process is removed as well. Other damaged lines are skipped
    with a warning (W703), and the damaged log is renamed.

    Args:
        path: The log, which may not exist yet.
        step: The last update to keep.

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
    """The rows, and the numbers of damaged lines, except for an incomplete last line."""
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

"""The course of a pretraining as lines of JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .totals import PhaseScores


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


def append_row(path: Path, row: LogRow) -> None:
    """Add a row to a log."""
    line = json.dumps({**asdict(row), "pieces_per_second": round(row.pieces_per_second, 1)})
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def read_rows(path: Path) -> list[LogRow]:
    """Read a log. What a process that was killed left of a line is not there."""
    rows = []
    for line in _lines(path):
        try:
            values = json.loads(line)
        except ValueError:
            continue
        values.pop("pieces_per_second")
        rows.append(LogRow(**{**values, **_scores(values)}))
    return rows


def drop_rows_after(path: Path, step: int) -> None:
    """Remove the rows of updates that a restart makes again.

    Args:
        path: The log, or nothing yet.
        step: The last update that stays.
    """
    rows = [row for row in read_rows(path) if row.step <= step]
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text("", encoding="utf-8")
    for row in rows:
        append_row(unfinished, row)
    unfinished.replace(path)


def _lines(path: Path) -> Iterable[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _scores(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: None
        if values[kind] is None
        else {name: PhaseScores(**scores) for name, scores in values[kind].items()}
        for kind in ("training", "held_out")
    }

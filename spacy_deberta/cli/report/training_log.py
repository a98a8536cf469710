"""Reads the training log of spaCy's console logger."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors

_WAY_OUT = (
    'Train with `@loggers = "spacy.ConsoleLogger.v3"` and its `output_file`; the logger writes '
    "only to a file that is not there yet"
)


@dataclass(frozen=True)
class TrainingLog:
    """Losses and scores of every evaluation in a training.

    steps (list[int]): The steps of the evaluations.
    losses (dict[str, list[float]]): The losses since the previous evaluation, for each component.
    scores (dict[str, list[float]]): The scores by their keys, in percent; NaN for missing ones.
    total (list[float]): The weighted final score, in percent.
    """

    steps: list[int]
    losses: dict[str, list[float]]
    scores: dict[str, list[float]]
    total: list[float]


def read_log(path: Path) -> TrainingLog:
    """Read the `output_file` of `spacy.ConsoleLogger.v3`.

    path (Path): The file, with one JSON object a line.
    RETURNS (TrainingLog): The losses and scores.
    """
    try:
        text = path.read_text(encoding="utf8")
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, f"it is not valid UTF-8: {error}") from error
    # Not splitlines(), which also splits at characters that JSON may contain.
    lines = [(i, line) for i, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise _unusable(path, "it is empty")
    return _merge([_parse_line(path, number, line) for number, line in lines])


def _parse_line(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        return {
            "step": int(row["step"]),
            "losses": {name: _number(value) for name, value in row["losses"].items()},
            "scores": {name: _number(value) for name, value in row["scores"].items()},
            "score": 100 * _number(row["score"]),
        }
    except KeyError as error:
        raise _unusable(path, f"line {number} has no {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise _unusable(path, f"line {number} is no step of a training: {error}") from error


def _merge(rows: list[dict[str, Any]]) -> TrainingLog:
    def curves(kind: str) -> dict[str, list[float]]:
        names = dict.fromkeys(name for row in rows for name in row[kind])
        return {name: [row[kind].get(name, math.nan) for row in rows] for name in names}

    return TrainingLog(
        steps=[row["step"] for row in rows],
        losses=curves("losses"),
        scores=curves("scores"),
        total=[row["score"] for row in rows],
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _unusable(path: Path, cause: str) -> ValueError:
    return ValueError(
        Errors.E512.format(kind="training log", path=path, cause=cause, way_out=_WAY_OUT)
    )

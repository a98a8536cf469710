"""Probabilities of labels → stretches of characters with a label."""

from collections.abc import Iterator
from dataclasses import dataclass

from .label_schemes import LabelScheme
from .units import UnitScores


@dataclass(frozen=True)
class ScoredStretch:
    """What a label was found for: characters from `start`, up to and without `end`."""

    start: int
    end: int
    label: str
    score: float


def find_stretches(scores: UnitScores, scheme: LabelScheme) -> Iterator[list[ScoredStretch]]:
    """Find the stretches of each document of a batch.

    Args:
        scores: Of the units of the batch.
        scheme: What the labels mean.

    Yields:
        The stretches of one document after the other, in the order of the text. Each goes from the
        first character of its first unit to the last one of its last; its score is the mean of
        the probabilities of its labels.
    """
    units = scores.units
    labels, best = scores.probabilities.argmax(1), scores.probabilities.max(1)
    for start, end in zip(units.cu_units[:-1], units.cu_units[1:], strict=True):
        yield [
            ScoredStretch(
                start=int(units.starts[start + run.start]),
                end=int(units.ends[start + run.end - 1]),
                label=run.type,
                score=float(best[start + run.start : start + run.end].mean()),
            )
            for run in scheme.decode(labels[start:end].tolist())
        ]

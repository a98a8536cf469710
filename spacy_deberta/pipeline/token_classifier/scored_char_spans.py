"""Probabilities of labels → labelled character spans."""

from collections.abc import Iterator
from dataclasses import dataclass

from .label_schemes import LabelScheme
from .units import UnitScores


@dataclass(frozen=True)
class ScoredCharSpan:
    """A labelled character span; `end` is exclusive."""

    start: int
    end: int
    label: str
    score: float


def find_char_spans(scores: UnitScores, scheme: LabelScheme) -> Iterator[list[ScoredCharSpan]]:
    """Find the labelled character spans of each document of a batch.

    Args:
        scores: The scores of the units of the batch.
        scheme: The label scheme of the head.

    Yields:
        The character spans of each document, in the order of the text. A span goes from the first
        character of its first unit to the last character of its last; its score is the mean of the
        probabilities of its labels.
    """
    units = scores.units
    labels, best = scores.probabilities.argmax(1), scores.probabilities.max(1)
    for start, end in zip(units.cu_units[:-1], units.cu_units[1:], strict=True):
        yield [
            ScoredCharSpan(
                start=int(units.starts[start + unit_span.start]),
                end=int(units.ends[start + unit_span.end - 1]),
                label=unit_span.type,
                score=float(best[start + unit_span.start : start + unit_span.end].mean()),
            )
            for unit_span in scheme.decode(labels[start:end].tolist())
        ]

"""Logits → entities: candidates above a threshold, and a choice of those that don't conflict."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Candidate(NamedTuple):
    """A possible entity.

    Attributes:
        start: Its first word.
        end: One past its last word.
        label: Index of its label.
        score: A probability.
    """

    start: int
    end: int
    label: int
    score: float


def span_candidates(logits: Floats, thresholds: Floats) -> list[Candidate]:
    """Find the spans whose probability is above the threshold.

    Args:
        logits: `(words, width, labels)`, -inf for spans that end after the text.
        thresholds: `(labels,)`, float32.

    Returns:
        The spans by start, width and label.
    """
    scores = _sigmoid(logits)
    found = np.nonzero(scores > thresholds)
    values = scores[found].tolist()
    starts, widths, labels = (index.tolist() for index in found)
    return [
        Candidate(start, start + width + 1, label, score)
        for start, width, label, score in zip(starts, widths, labels, values, strict=True)
    ]


def token_candidates(logits: Floats, thresholds: Floats) -> list[Candidate]:
    """Find the spans from a start to an end whose words are all inside.

    Args:
        logits: `(words, labels, 3)`: start, end and inside.
        thresholds: `(labels,)`, float32. Starts and ends have to be above, words inside not below.

    Returns:
        The spans by start, label and end, with the lowest of the scores that they are made of.
    """
    scores = _sigmoid(logits)
    starts = np.argwhere(scores[:, :, 0] > thresholds).tolist()
    ends = scores[:, :, 1] > thresholds
    inside = scores[:, :, 2] >= thresholds
    candidates = []
    for start, label in starts:
        lowest = scores[start, label, 0]
        for word in range(start, len(scores)):
            if not inside[word, label]:
                break
            lowest = min(lowest, scores[word, label, 2])
            if ends[word, label]:
                score = float(min(lowest, scores[word, label, 1]))
                candidates.append(Candidate(start, word + 1, label, score))
    return candidates


def choose(
    candidates: Sequence[Candidate], *, nested: bool = False, multi_label: bool = False
) -> list[Candidate]:
    """Take candidates by descending score, unless they conflict with one that was taken.

    Args:
        candidates: Of one text, in the order that decides between equal scores.
        nested: Whether an entity may contain another one. If not, they share no word.
        multi_label: Whether the same words may have several labels.

    Returns:
        The chosen ones by start; at one start, the higher score comes first.
    """
    taken: list[Candidate] = []
    # The chosen spans that cover a word, without duplicates.
    covering: dict[int, set[tuple[int, int]]] = {}
    for candidate in sorted(candidates, key=lambda candidate: -candidate.score):
        words = range(candidate.start, candidate.end)
        bounds = (candidate.start, candidate.end)
        near = set().union(*(covering.get(word, ()) for word in words))
        if any(_conflict(bounds, other, nested, multi_label) for other in near):
            continue
        taken.append(candidate)
        for word in words:
            covering.setdefault(word, set()).add(bounds)
    return sorted(taken, key=lambda candidate: candidate.start)


def _conflict(
    bounds: tuple[int, int], other: tuple[int, int], nested: bool, multi_label: bool
) -> bool:
    """Whether two spans that share a word exclude each other."""
    if bounds == other:
        return not multi_label
    if not nested:
        return True
    (start, end), (low, high) = bounds, other
    return not ((low <= start and end <= high) or (start <= low and high <= end))


def _sigmoid(logits: Floats) -> Floats:
    scores: Floats = torch.from_numpy(logits).sigmoid().numpy()
    return scores

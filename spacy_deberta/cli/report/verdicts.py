"""Compares predictions with gold annotations."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from spacy.tokens import Span

# "label" is a span or category with another label than the gold one, "wrong" any other difference.
Verdict = Literal["right", "missed", "extra", "label", "wrong"]
# First and last character, and label.
Mark = tuple[int, int, str]

VERDICT_NAMES: dict[Verdict, str] = {
    "right": "✓",
    "missed": "missed",
    "extra": "extra",
    "label": "wrong label",
    "wrong": "wrong",
}


def mark(span: Span) -> Mark:
    """The offsets of a span in characters, and its label."""
    return span.start_char, span.end_char, span.label_


def judge_spans(found: Iterable[Mark], known: Iterable[Mark]) -> tuple[dict, dict]:
    """Compare predicted spans with gold spans.

    found (Iterable[Mark]): The predicted spans.
    known (Iterable[Mark]): The gold spans.
    RETURNS (tuple[dict[Mark, Verdict], dict[Mark, Verdict]]): A verdict for each predicted span,
        and one for each gold span. A wrong label is one error, and in both.
    """
    found, known = set(found), set(known)
    extra, missed = found - known, known - found
    mislabelled = {place[:2] for place in extra} & {place[:2] for place in missed}

    def judge(places: set[Mark], other: Verdict) -> dict[Mark, Verdict]:
        return {
            place: "right"
            if place in found & known
            else "label"
            if place[:2] in mislabelled
            else other
            for place in places
        }

    return judge(found, "extra"), judge(known, "missed")


def judge_labels(found: set[str], known: set[str]) -> dict[str, Verdict]:
    """Compare the predicted labels of a text with the gold labels.

    found (set[str]): The predicted labels.
    known (set[str]): The gold labels.
    RETURNS (dict[str, Verdict]): A verdict for each label that is predicted or gold. If one label
        was predicted instead of one other, only the predicted one has a verdict.
    """
    if len(found) == len(known) == 1 and found != known:
        return dict.fromkeys(found, "label")
    return {
        **dict.fromkeys(found & known, "right"),
        **dict.fromkeys(found - known, "extra"),
        **dict.fromkeys(known - found, "missed"),
    }


def count_errors(verdicts: Iterable[Verdict]) -> Counter[Verdict]:
    """Count the errors of each kind.

    verdicts (Iterable[Verdict]): The verdicts.
    RETURNS (Counter[Verdict]): Their numbers without those that are right.
    """
    return Counter(verdict for verdict in verdicts if verdict != "right")

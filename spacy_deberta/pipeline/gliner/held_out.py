"""Scores of labels that are not trained."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.tokens import Doc, SpanGroup
from spacy.training import Example

from spacy_deberta.errors import Warnings, warn

from .gold import gold_spans

# spaCy's scores, and their names for held-out labels.
HELD_OUT_SCORES = {"f": "held_out_f", "p": "held_out_p", "r": "held_out_r"}


def warn_about_held_out(
    held_out: Sequence[str], found: Sequence[str], asked: Sequence[str], *, component: str
) -> None:
    """Warn if nothing is trained (W363), or if held-out labels can't be scored (W364).

    Args:
        held_out: The labels that are not trained.
        found: The labels of the training data.
        asked: The labels that the component asks for.
        component: Name of the component.
    """
    if found and not set(found) - set(held_out):
        warn(Warnings.W363.format(component=component))
    if found and (silent := [label for label in held_out if label not in asked]):
        names = {"held_out": ", ".join(silent), "labels": ", ".join(asked)}
        warn(Warnings.W364.format(component=component, **names))


def held_out_scores(
    examples: Iterable[Example],
    score: Callable[[Iterable[Example]], dict[str, Any]],
    labels: Sequence[str],
    *,
    key: str | None,
) -> dict[str, Any]:
    """Score the entities of some labels only.

    Args:
        examples: Predicted and gold documents.
        score: Scores examples, as spaCy scores entities or spans.
        labels: The labels.
        key: Name of the group in `doc.spans`; None for `doc.ents`.

    Returns:
        `held_out_f`, `held_out_p` and `held_out_r`.
    """
    scores = score(
        [
            Example(_only(example.predicted, labels, key), _only(example.reference, labels, key))
            for example in examples
        ]
    )
    prefix = "ents" if key is None else f"spans_{key}"
    return {name: scores.get(f"{prefix}_{short}") for short, name in HELD_OUT_SCORES.items()}


def _only(doc: Doc, labels: Sequence[str], key: str | None) -> Doc:
    """A copy of a document without entities of other labels."""
    copy = doc.copy()
    kept = [span for span in gold_spans(copy, key=key) if span.label_ in labels]
    if key is not None:
        copy.spans[key] = SpanGroup(copy, name=key, spans=kept)
    elif copy.has_annotation("ENT_IOB"):
        copy.set_ents(kept)
    return copy

"""Scores of labels that are not trained."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.tokens import Doc, SpanGroup
from spacy.training import Example

from .gold import gold_spans

# spaCy's scores, and their names for held-out labels.
HELD_OUT_SCORES = {"f": "held_out_f", "p": "held_out_p", "r": "held_out_r"}


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

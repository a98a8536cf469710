"""Scores of `deberta_token_classifier`."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example


def make_token_classifier_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer `spacy-deberta.token_classifier_scorer.v1`.

    RETURNS (Callable[..., dict[str, Any]]): The scoring method.

    DOCS: docs/api/token_classifier.md#token_classifier_scorer
    """
    return score_tokens


def score_tokens(
    examples: Iterable[Example], *, annotate: str, spans_key: str, **kwargs: Any
) -> dict[str, Any]:
    """Score the annotations of the component with spaCy's own scores.

    Args:
        examples: Predicted and gold documents.
        annotate: "ents", "spans" or "tag".
        spans_key: Name of the span group in `doc.spans`.
        kwargs: Further settings of the component.

    Returns:
        The scores of `ner` (`ents_f`, …), of `spancat` (`spans_sc_f`, …) or of `tagger`
        (`tag_acc`).
    """
    if annotate == "ents":
        return get_ner_prf(examples)
    if annotate == "tag":
        return Scorer.score_token_attr(examples, "tag")
    return Scorer.score_spans(
        examples,
        f"spans_{spans_key}",
        getter=partial(_spans_of, key=spans_key),
        has_annotation=lambda doc: spans_key in doc.spans,
        allow_overlap=True,
    )


def _spans_of(doc: Doc, attr: str, *, key: str) -> Iterable[Span]:
    return doc.spans.get(key, [])

"""The annotations of a document as plain values, with character offsets."""

from collections.abc import Iterable
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup, Token

from spacy_deberta.text_alignment import PipelineTokenizer, align_doc

_SCORE = "score"
_FILLINGS = "fillings"


def doc_values(doc: Doc, *, tokenizer: PipelineTokenizer | None = None) -> dict[str, Any]:
    """Convert the annotations of a document.

    doc (Doc): The document.
    tokenizer (PipelineTokenizer | None): For the pieces, if they are wanted.
    RETURNS (dict[str, Any]): The fields of `DocResponse`; those that no component has set are
        empty or missing.
    """
    annotated = {name: doc.has_annotation(name) for name in ("TAG", "POS", "MORPH", "LEMMA", "DEP")}
    values: dict[str, Any] = {
        "text": doc.text,
        "tokens": [_token(token, annotated) for token in doc],
        "ents": [_span(span) for span in doc.ents],
        "spans": {key: _group(group) for key, group in doc.spans.items()},
        "cats": {label: float(score) for label, score in doc.cats.items()},
    }
    if doc.has_annotation("SENT_START"):
        values["sents"] = [{"start": s.start_char, "end": s.end_char} for s in doc.sents]
    if Doc.has_extension(_FILLINGS) and doc._.get(_FILLINGS) is not None:
        values["fillings"] = [[_filling(filling) for filling in mask] for mask in doc._.fillings]
    if tokenizer is not None:
        values["pieces"] = _pieces(doc, tokenizer)
    return values


def scored_span(span: Span, score: float | None) -> dict[str, Any]:
    """The values of a span.

    span (Span): The span.
    score (float | None): Its score, if it has one.
    RETURNS (dict[str, Any]): The fields of `AnnotatedSpan`.
    """
    values = {
        "start": span.start_char,
        "end": span.end_char,
        "label": span.label_,
        "text": span.text,
    }
    if score is not None:
        values["score"] = float(score)
    return values


def _span(span: Span) -> dict[str, Any]:
    return scored_span(span, span._.get(_SCORE) if Span.has_extension(_SCORE) else None)


def _group(group: SpanGroup) -> list[dict[str, Any]]:
    scores: Iterable[Any] | None = group.attrs.get("scores")
    scores = [None] * len(group) if scores is None else list(scores)
    if len(scores) != len(group):  # spans were added without scores
        return [_span(span) for span in group]
    return [scored_span(span, score) for span, score in zip(group, scores, strict=True)]


def _token(token: Token, annotated: dict[str, bool]) -> dict[str, Any]:
    values: dict[str, Any] = {"start": token.idx, "end": token.idx + len(token)}
    if annotated["TAG"]:
        values["tag"] = token.tag_
    if annotated["POS"]:
        values["pos"] = token.pos_
    if annotated["MORPH"]:
        values["morph"] = str(token.morph)
    if annotated["LEMMA"]:
        values["lemma"] = token.lemma_
    if annotated["DEP"]:
        values["dep"], values["head"] = token.dep_, token.head.i
    return values


def _filling(filling: dict[str, Any]) -> dict[str, Any]:
    return {
        "start": filling["start_char"],
        "end": filling["end_char"],
        "text": filling["text"],
        "score": filling["score"],
    }


def _pieces(doc: Doc, found: PipelineTokenizer) -> list[dict[str, Any]]:
    aligned = align_doc(
        doc, found.tokenizer, model="", is_split_into_words=found.is_split_into_words
    )
    return [
        {
            "start": piece.start,
            "end": piece.end,
            "piece": piece.piece,
            "id": piece.id,
            "tokens": list(piece.tokens),
        }
        for piece in aligned.pieces
    ]

"""Annotated texts → documents, with the spans that do not fit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from .annotated_texts import AnnotatedText, LabelledSpan

AlignmentMode = Literal["strict", "contract", "expand"]
Reason = Literal["misaligned", "overlapping", "outside", "empty"]


@dataclass(frozen=True)
class Problem:
    """A span that is not in the document as it was annotated.

    Attributes:
        place: The file and line.
        reason: "misaligned" if it starts or ends within a token, "overlapping" if a longer entity
            has its tokens, "outside" if it is not within the text, "empty" if it has no characters
            but whitespace.
        span: The span.
        text: Its characters, and the tokens that it cuts.
    """

    place: str
    reason: Reason
    span: LabelledSpan
    text: str


def make_doc(
    nlp: Language,
    annotated: AnnotatedText,
    *,
    categories: Iterable[str] = (),
    spans_key: str | None = None,
    alignment_mode: AlignmentMode = "strict",
) -> tuple[Doc, list[Problem]]:
    """Make a document for training.

    Whitespace at the ends of a span is not part of it. The tokens of a misaligned entity have no
    annotation, so that nothing is learned from them.

    Args:
        nlp: The pipeline, whose tokenizer is used.
        annotated: The text.
        categories: All categories of the data: those that the text lacks are 0.
        spans_key: Put spans into `doc.spans[spans_key]`, where they may overlap, and not into
            `doc.ents`.
        alignment_mode: What becomes of misaligned spans, as in `Doc.char_span`; with "contract" and
            "expand" they are changed, and are problems only if nothing is left.

    Returns:
        The document, and the spans that do not fit.
    """
    doc = nlp.make_doc(annotated.text)
    if annotated.categories is not None:
        doc.cats = {**dict.fromkeys(categories, 0.0), **annotated.categories}
    if annotated.spans is None:
        return doc, []
    problems: list[Problem] = []
    found: list[Span] = []
    missing: list[Span] = []
    for labelled in annotated.spans:
        placed = _place(doc, labelled, alignment_mode)
        if isinstance(placed, Span):
            found.append(placed)
            continue
        problems.append(Problem(annotated.place, placed, labelled, _context(doc, labelled)))
        if placed == "misaligned":
            missing.append(_cut_tokens(doc, labelled))
    if spans_key is not None:
        doc.spans[spans_key] = found
        return doc, problems
    kept = filter_spans(found)
    for span in _without(found, kept):
        labelled = LabelledSpan(span.start_char, span.end_char, span.label_)
        problems.append(Problem(annotated.place, "overlapping", labelled, span.text))
    cut = {token.i for span in missing for token in span}
    taken = {token.i for span in kept for token in span}
    doc.set_ents(kept, missing=[doc[i : i + 1] for i in sorted(cut - taken)])
    return doc, problems


def _place(doc: Doc, labelled: LabelledSpan, mode: AlignmentMode) -> Span | Reason:
    text = doc.text
    start, end = labelled.start, labelled.end
    if not 0 <= start < len(text) or end > len(text):
        return "outside"
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    end = start + len(inner.strip())
    if start >= end:
        return "empty"
    span = doc.char_span(start, end, label=labelled.label, alignment_mode=mode)
    return "misaligned" if span is None or not len(span) else span


def _cut_tokens(doc: Doc, labelled: LabelledSpan) -> Span:
    span = doc.char_span(labelled.start, labelled.end, alignment_mode="expand")
    return doc[0:0] if span is None else span


def _context(doc: Doc, labelled: LabelledSpan) -> str:
    """The characters of a span, and the tokens around them if these are more."""
    text = doc.text[max(labelled.start, 0) : max(labelled.end, 0)]
    tokens = _cut_tokens(doc, labelled).text if 0 <= labelled.start < labelled.end else ""
    return f"{text!r} in {tokens!r}" if tokens and tokens != text else repr(text)


def _without(spans: Sequence[Span], kept: Sequence[Span]) -> list[Span]:
    """The spans that were filtered; the same span twice is one entity, and no problem."""
    known = {(span.start, span.end, span.label) for span in kept}
    return [span for span in spans if (span.start, span.end, span.label) not in known]

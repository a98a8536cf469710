"""Entities and span groups of a text, with the gold spans below where they differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from spacy.tokens import Doc, Span

from .shown_text import ShownText, View
from .verdicts import Mark, Verdict, count_errors, judge_spans, mark


class Annotated(NamedTuple):
    """A document and some of its spans."""

    doc: Doc
    spans: Sequence[Span]


Draw = Callable[[Annotated, Mapping[Mark, Verdict]], Iterator["EntityPart | SpanPart"]]


class EntityPart(NamedTuple):
    """A part of the text: of an entity, or between them with the label None."""

    text: str
    label: str | None = None
    verdict: Verdict | None = None


class Bar(NamedTuple):
    """What is drawn of a span below one of its tokens; the label only below the first.

    `room` is the number of characters of the span's other tokens, below which the label may go on.
    """

    label: str
    verdict: Verdict | None
    row: int
    starts: bool
    room: int


class SpanPart(NamedTuple):
    """A token with the spans that it is in, or the text between such tokens."""

    text: str
    bars: Sequence[Bar] = ()


def show_entities(text: ShownText) -> Iterator[View]:
    """Show the predicted entities of a text."""
    predicted, gold = text.example.predicted, text.example.reference
    if not predicted.ents and "doc.ents" not in text.assigned:
        return
    known = Annotated(gold, gold.ents) if gold.has_annotation("ENT_IOB") else None
    found = Annotated(predicted, predicted.ents)
    yield _compare("Entities", found, known, cut_entities)


def show_spans(text: ShownText) -> Iterator[View]:
    """Show each predicted span group of a text."""
    predicted, gold = text.example.predicted, text.example.reference
    for key, group in predicted.spans.items():
        known = Annotated(gold, list(gold.spans[key])) if key in gold.spans else None
        found = Annotated(predicted, list(group))
        yield _compare(f"Spans “{key}”", found, known, cut_spans)


def _compare(title: str, found: Annotated, known: Annotated | None, draw: Draw) -> View:
    content = {"title": title, "overlap": draw is cut_spans, "right": False, "gold": None}
    if known is None:
        return View("spans.html", {**content, "predicted": list(draw(found, {}))}, None)
    of_found, of_known = judge_spans(map(mark, found.spans), map(mark, known.spans))
    # A gold span with another label is counted as the predicted one.
    missed: list[Verdict] = [verdict for verdict in of_known.values() if verdict == "missed"]
    errors = count_errors([*of_found.values(), *missed])
    content["predicted"] = list(draw(found, of_found))
    content["right"] = not errors
    if errors:
        content["gold"] = list(draw(known, of_known))
    return View("spans.html", content, errors)


def cut_entities(annotated: Annotated, verdicts: Mapping[Mark, Verdict]) -> Iterator[EntityPart]:
    """Cut a text into entities and what is between them.

    annotated (Annotated): The document and its entities.
    verdicts (Mapping[Mark, Verdict]): Their verdicts.
    YIELDS (EntityPart): The parts in text order.
    """
    text, end = annotated.doc.text, 0
    for ent in annotated.spans:
        yield EntityPart(text[end : ent.start_char])
        yield EntityPart(ent.text, ent.label_, verdicts.get(mark(ent)))
        end = ent.end_char
    yield EntityPart(text[end:])


def cut_spans(annotated: Annotated, verdicts: Mapping[Mark, Verdict]) -> Iterator[SpanPart]:
    """Cut a text into the tokens of spans and what is between them.

    annotated (Annotated): The document and its spans, which may overlap.
    verdicts (Mapping[Mark, Verdict]): Their verdicts.
    YIELDS (SpanPart): The parts in text order. Spans that overlap are in different rows.
    """
    bars: dict[int, list[Bar]] = {}
    row_ends: list[int] = []
    for span in sorted(annotated.spans, key=lambda span: (span.start, -span.end, span.label_)):
        row = next((i for i, end in enumerate(row_ends) if end <= span.start), len(row_ends))
        row_ends[row : row + 1] = [span.end]
        verdict, room = verdicts.get(mark(span)), len(span.text) - len(span[0])
        for i in range(span.start, span.end):
            bar = Bar(span.label_, verdict, row, starts=i == span.start, room=room)
            bars.setdefault(i, []).append(bar)
    between = ""
    for token in annotated.doc:
        if token.i not in bars or token.is_space:
            between += token.text_with_ws
            continue
        yield SpanPart(between)
        continues = any(not bar.starts for bar in bars.get(token.i + 1, ()))
        yield SpanPart(token.text_with_ws if continues else token.text, bars[token.i])
        between = "" if continues else token.whitespace_
    yield SpanPart(between)

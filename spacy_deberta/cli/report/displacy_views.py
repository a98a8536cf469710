"""Renders entities, spans and parses with displaCy.

displaCy escapes texts, but not labels, so labels are escaped here.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spacy import displacy
from spacy.tokens import Doc, Span

from .markup import clean_text, escape_text
from .shown_text import ShownText

MAX_PARSES = 3
# Longer sentences would be wider than the page.
MAX_PARSED_TOKENS = 12
MIN_DISTANCE, LETTER_WIDTH = 110, 10
# displaCy reserves height for high arcs, and compact arcs use a third of it.
WORDS_HEIGHT, UNUSED = 135, 2 / 3

# displaCy computes a token's height from its number of spans, but a span may be placed lower. Here
# a token is a grid, with a row for its text and a row for each span below it.
SPAN_OPTIONS = {
    "top_offset": 2,
    "top_offset_step": 1,
    "template": {
        "span": '<span class="token"><span>{text}</span>{span_slices}{span_starts}</span> ',
        "slice": '<span class="slice" style="background: {bg}; grid-row: {top_offset}"></span>',
        "start": '<span class="start" style="background: {bg}; grid-row: {top_offset}">'
        "{label}</span>",
    },
}

Marks = set[tuple[int, int, str]]


def show_entities(text: ShownText) -> str:
    """Show the predicted entities of a text, and the gold entities if they differ."""
    predicted, gold = text.example.predicted, text.example.reference
    if not predicted.ents and "doc.ents" not in text.assigned:
        return ""
    known = gold.has_annotation("ENT_IOB")

    def draw(doc: Doc) -> str:
        ents = [
            {"start": e.start_char, "end": e.end_char, "label": escape_text(e.label_)}
            for e in doc.ents
        ]
        drawn = {"text": clean_text(doc.text), "ents": ents, "settings": _settings(doc)}
        return _render(drawn, "ent", {"colors": _escaped(text.colors)})

    return _beside("Entities", predicted, gold if known else None, lambda doc: doc.ents, draw)


def show_spans(text: ShownText) -> str:
    """Show each predicted span group of a text, and the gold group if it differs."""
    predicted, gold = text.example.predicted, text.example.reference
    return "".join(_show_group(key, predicted, gold, text.colors) for key in predicted.spans)


def _show_group(key: str, predicted: Doc, gold: Doc, colors: Mapping[str, str]) -> str:
    def draw(doc: Doc) -> str:
        spans = [
            {"start_token": s.start, "end_token": s.end, "label": escape_text(s.label_)}
            for s in doc.spans.get(key, [])
        ]
        tokens = [clean_text(token.text) for token in doc]
        drawn = {"tokens": tokens, "spans": spans, "settings": _settings(doc)}
        return _render(drawn, "span", {**SPAN_OPTIONS, "colors": _escaped(colors)})

    known = gold if key in gold.spans else None
    title = f"Spans “{escape_text(key)}”"
    return _beside(title, predicted, known, lambda doc: doc.spans.get(key, []), draw)


def draw_parses(docs: Iterable[Doc]) -> list[str]:
    """Draw the parses of the first short sentences.

    docs (Iterable[Doc]): Parsed documents.
    RETURNS (list[str]): HTML of at most `MAX_PARSES` sentences.
    """
    parsed = (doc for doc in docs if doc.has_annotation("DEP") and doc.has_annotation("SENT_START"))
    short = (s for doc in parsed for s in doc.sents if 1 < len(s) <= MAX_PARSED_TOKENS)
    return [_draw_parse(sentence) for sentence, _ in zip(short, range(MAX_PARSES), strict=False)]


def _draw_parse(sentence: Span) -> str:
    words = [
        {"text": clean_text(token.text), "tag": escape_text(token.pos_ or token.tag_)}
        for token in sentence
    ]
    arcs = []
    for token in sentence:
        start, end = sorted((token.i - sentence.start, token.head.i - sentence.start))
        if start != end:
            direction = "left" if token.i < token.head.i else "right"
            label = escape_text(token.dep_)
            arcs.append({"start": start, "end": end, "label": label, "dir": direction})
    longest = max(len(token) for token in sentence)
    distance = max(MIN_DISTANCE, LETTER_WIDTH * longest)
    options = {"compact": True, "distance": distance, "bg": "transparent", "font": "inherit"}
    drawn = {"words": words, "arcs": arcs, "settings": _settings(sentence.doc)}
    svg = _render(drawn, "dep", options)
    (height,) = re.findall(r'^<svg [^>]* height="([\d.]+)"', svg)
    above = max((float(height) - WORDS_HEIGHT) * UNUSED - 8, 0)
    return f'<div style="margin-top: -{above:.0f}px">{svg}</div>'


def _beside(
    title: str,
    predicted: Doc,
    gold: Doc | None,
    spans_of: Callable[[Doc], Iterable[Span]],
    draw: Callable[[Doc], str],
) -> str:
    """Predictions, with the gold annotations below if there are any and they differ."""

    def marks(doc: Doc) -> Marks:
        return {(span.start_char, span.end_char, span.label_) for span in spans_of(doc)}

    note, below = "", ""
    if gold is not None and marks(gold) == marks(predicted):
        note = '<span class="right">same as gold</span>'
    elif gold is not None:
        below = f'<div class="gold"><h5>Gold</h5>{draw(gold)}</div>'
    return f'<div class="view"><h4>{title} {note}</h4>{draw(predicted)}{below}</div>'


def _settings(doc: Doc) -> dict[str, str]:
    return {
        "lang": escape_text(doc.lang_),
        "direction": "rtl" if doc.vocab.writing_system.get("direction") == "rtl" else "ltr",
    }


def _escaped(colors: Mapping[str, str]) -> dict[str, str]:
    return {escape_text(label): color for label, color in colors.items()}


def _render(drawn: dict[str, Any], style: str, options: dict[str, Any]) -> str:
    return displacy.render(drawn, style=style, manual=True, jupyter=False, options=options)

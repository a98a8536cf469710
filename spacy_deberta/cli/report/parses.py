"""Draws parses with displaCy, which escapes words, but neither tags nor labels."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup, escape
from spacy import displacy
from spacy.tokens import Doc, Span

from spacy_deberta.pages import clean_text

MAX_PARSES = 3
# Longer sentences would be wider than the page.
MAX_PARSED_TOKENS = 12
MIN_DISTANCE, LETTER_WIDTH = 110, 10
# displaCy reserves height for high arcs, and compact arcs use a third of it. Below the words and
# tags is an empty margin.
WORDS_HEIGHT, MARGIN, UNUSED = 135, 45, 2 / 3
SCALE = 0.8
_INHERITED = {"color": "inherit", "bg": "transparent", "font": "inherit"}


class Parse(NamedTuple):
    """The drawing of a sentence: SVG, its direction, and the part of it that is not empty."""

    svg: Markup
    direction: str
    top: float
    width: float
    height: float

    @property
    def shown_width(self) -> float:
        """Width on the page, in pixels."""
        return SCALE * self.width


def draw_parses(docs: Iterable[Doc]) -> list[Parse]:
    """Draw the parses of the first short sentences.

    docs (Iterable[Doc]): Parsed documents.
    RETURNS (list[Parse]): At most `MAX_PARSES` sentences.
    """
    parsed = (doc for doc in docs if doc.has_annotation("DEP") and doc.has_annotation("SENT_START"))
    short = (s for doc in parsed for s in doc.sents if 1 < len(s) <= MAX_PARSED_TOKENS)
    return [_draw_parse(sentence) for sentence, _ in zip(short, range(MAX_PARSES), strict=False)]


def _draw_parse(sentence: Span) -> Parse:
    words = [
        {"text": clean_text(token.text), "tag": _escape(token.pos_ or token.tag_)}
        for token in sentence
    ]
    arcs = []
    for token in sentence:
        start, end = sorted((token.i - sentence.start, token.head.i - sentence.start))
        if start != end:
            direction = "left" if token.i < token.head.i else "right"
            label = _escape(token.dep_)
            arcs.append({"start": start, "end": end, "label": label, "dir": direction})
    longest = max(len(token) for token in sentence)
    distance = max(MIN_DISTANCE, LETTER_WIDTH * longest)
    settings = {
        "lang": _escape(sentence.doc.lang_),
        "direction": sentence.doc.vocab.writing_system.get("direction", "ltr"),
    }
    svg = displacy.render(
        {"words": words, "arcs": arcs, "settings": settings},
        style="dep",
        manual=True,
        jupyter=False,
        options={"compact": True, "distance": distance, **_INHERITED},
    )
    # Space after a word would be centred with it.
    svg = re.sub(r">\s+<", "><", svg)
    if settings["direction"] == "rtl":
        # Labels on lines that are drawn from the right would be upside down.
        svg = re.sub(r' d="M(\S+) (\S+) (\S+) (\S+)"(?= fill="none")', r' d="M\4 \3 \2 \1"', svg)
    (size,) = re.findall(r'^\s*<svg [^>]* width="([\d.]+)" height="([\d.]+)"', svg)
    width, height = map(float, size)
    top = max((height - WORDS_HEIGHT) * UNUSED - 8, 0)
    return Parse(Markup(svg), settings["direction"], top, width, height - top - MARGIN)


def _escape(text: str) -> str:
    return str(escape(clean_text(text)))

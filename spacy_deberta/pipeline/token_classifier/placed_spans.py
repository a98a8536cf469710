"""Stretches of characters → spans of tokens."""

from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from .scored_stretches import ScoredStretch

# What `Doc.char_span` knows.
ALIGNMENT_MODES = ("expand", "contract", "strict")


@dataclass(frozen=True)
class ScoredSpan:
    """A span of tokens, and how sure its label is."""

    span: Span
    score: float


def place_spans(
    doc: Doc, stretches: Iterable[ScoredStretch], alignment_mode: str
) -> tuple[list[ScoredSpan], int]:
    """Find the tokens of stretches of characters.

    Args:
        doc: The document that they are of.
        stretches: The stretches.
        alignment_mode: What becomes of one that begins or ends within a token: "expand" takes all
            of the token, "contract" nothing of it, "strict" drops the stretch.

    Returns:
        The spans in the order of the stretches, and how many have none.
    """
    placed = [
        (
            doc.char_span(
                stretch.start, stretch.end, label=stretch.label, alignment_mode=alignment_mode
            ),
            stretch.score,
        )
        for stretch in stretches
    ]
    spans = [ScoredSpan(span, score) for span, score in placed if span is not None]
    return spans, len(placed) - len(spans)


def without_overlap(spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
    """Keep the surest of spans that share tokens, and of equally sure ones the first.

    Args:
        spans: The spans of a document.

    Returns:
        Those that stay, in the order of the text.
    """
    taken: set[int] = set()
    kept = []
    for scored in sorted(spans, key=lambda scored: -scored.score):
        tokens = range(scored.span.start, scored.span.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(scored)
    return sorted(kept, key=lambda scored: scored.span.start)

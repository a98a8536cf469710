"""Character spans → spans of tokens."""

from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from .scored_char_spans import ScoredCharSpan

# The modes of `Doc.char_span`.
ALIGNMENT_MODES = ("expand", "contract", "strict")


@dataclass(frozen=True)
class ScoredSpan:
    """A span of tokens and the score of its label."""

    span: Span
    score: float


def align_char_spans(
    doc: Doc, char_spans: Iterable[ScoredCharSpan], alignment_mode: str
) -> tuple[list[ScoredSpan], int]:
    """Align character spans with tokens.

    Args:
        doc: The document.
        char_spans: Its character spans.
        alignment_mode: For those that begin or end within a token: "expand" includes the token,
            "contract" excludes it, "strict" drops the span.

    Returns:
        The token spans, in order, and the number of character spans without one.
    """
    placed = [
        (
            doc.char_span(
                char_span.start, char_span.end, label=char_span.label, alignment_mode=alignment_mode
            ),
            char_span.score,
        )
        for char_span in char_spans
    ]
    spans = [ScoredSpan(span, score) for span, score in placed if span is not None]
    return spans, len(placed) - len(spans)


def without_overlap(spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
    """Of overlapping spans, keep the one with the highest score; of equal scores, the first.

    Args:
        spans: The spans of a document.

    Returns:
        The remaining spans, in the order of the text.
    """
    taken: set[int] = set()
    kept = []
    for scored in sorted(spans, key=lambda scored: -scored.score):
        tokens = range(scored.span.start, scored.span.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(scored)
    return sorted(kept, key=lambda scored: scored.span.start)

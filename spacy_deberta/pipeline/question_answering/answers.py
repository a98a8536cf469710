"""Decoding of start and end logits to the best answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from spacy_deberta.arrays import Ints
from spacy_deberta.corpora import GivenAnswer

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Answer:
    """An answer to a question about a document.

    text (str): The answer, a span of the text; "" if the text does not answer the question.
    start_char (int): Start offset of the answer in characters.
    end_char (int): End offset of the answer in characters.
    score (float): From 0 to 1, comparable between answers to one question.
    span (Span | None): The tokens that overlap with the answer; None if there is no answer.
    """

    text: str
    start_char: int
    end_char: int
    score: float
    span: Span | None

    def to_dict(self) -> GivenAnswer:
        """Convert the answer to plain values, without the span.

        RETURNS (GivenAnswer): "text", "start", "end" and "score".
        """
        return {
            "text": self.text,
            "start": self.start_char,
            "end": self.end_char,
            "score": self.score,
        }


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidate answers of a window.

    Attributes:
        starts: Start offset of each candidate, `(candidates,)`.
        ends: End offset of each candidate, `(candidates,)`.
        scores: Their scores, `(candidates,)`, floating-point.
        no_answer: The score that the window has no answer.
    """

    starts: Ints
    ends: Ints
    scores: Floats
    no_answer: float


def score_candidates(
    logits: Floats, starts: Ints, ends: Ints, *, max_answer_length: int
) -> Candidates:
    """Score all candidate answers of a window.

    Args:
        logits: Start and end logits of `[CLS]` and the pieces of the window, `(pieces + 1, 2)`.
        starts: Start offset of each piece, `(pieces,)`.
        ends: End offset of each piece, `(pieces,)`.
        max_answer_length: Maximum number of pieces of an answer.

    Returns:
        The candidates: P(start) · P(end), each a softmax over the rows.

    Source:
        Hugging Face's `QuestionAnsweringPipeline`.
    """
    powers = np.exp(logits - logits.max(axis=0))
    start, end = (powers / powers.sum(axis=0)).T
    wide = ends > starts
    # Answers begin and end with characters, not with whitespace pieces.
    first = np.minimum.accumulate(np.where(wide, starts, np.iinfo(np.int64).max)[::-1])[::-1]
    last = np.maximum.accumulate(np.where(wide, ends, 0))
    longest = min(max_answer_length, max(len(starts), 1))
    scores = start[1:, None] * _band(end[1:], longest)
    last_chars = _band(last, longest)
    possible = last_chars > first[:, None]
    return Candidates(
        starts=np.broadcast_to(first[:, None], possible.shape)[possible],
        ends=last_chars[possible],
        scores=scores[possible],
        no_answer=float(start[0] * end[0]),
    )


def _band(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Each value with those that follow it, padded with 0: `(pieces,)` → `(pieces, width)`."""
    padded = np.concatenate([values, np.zeros(width, dtype=values.dtype)])
    return sliding_window_view(padded, width)[: len(values)]


def choose_answers(
    doc: Doc, windows: Iterable[Candidates], *, n_best: int, no_answer: bool
) -> list[Answer]:
    """Choose the best answers of all windows.

    Args:
        doc: The document.
        windows: The candidates of each of its windows, at least one.
        n_best: Number of answers.
        no_answer: Whether "" can be one of them.

    Returns:
        At most `n_best` different answers, best first. An answer in several windows has its highest
        score; no answer has its lowest, as one window with the answer is enough.
    """
    windows = list(windows)
    starts = np.concatenate([window.starts for window in windows])
    ends = np.concatenate([window.ends for window in windows])
    scores = np.concatenate([window.scores for window in windows])
    order = np.argsort(-scores, kind="stable")
    keys = starts[order] * (len(doc.text) + 1) + ends[order]
    _, places = np.unique(keys, return_index=True)
    best = order[np.sort(places)[:n_best]]
    answers = [
        _make_answer(doc, int(starts[index]), int(ends[index]), float(scores[index]))
        for index in best
    ]
    if no_answer:
        lowest = min(window.no_answer for window in windows)
        answers.append(Answer(text="", start_char=0, end_char=0, score=lowest, span=None))
    return sorted(answers, key=lambda answer: -answer.score)[:n_best]


def _make_answer(doc: Doc, start: int, end: int, score: float) -> Answer:
    return Answer(
        text=doc.text[start:end],
        start_char=start,
        end_char=end,
        score=score,
        span=doc.char_span(start, end, alignment_mode="expand"),
    )

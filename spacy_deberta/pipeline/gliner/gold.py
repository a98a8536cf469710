"""Entities of documents → words of windows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from spacy_deberta.arrays import Ints

from .windows import WordWindows
from .words import Words, count_words


@dataclass(frozen=True)
class GoldSummary:
    """What the training data has.

    Attributes:
        labels: The labels, without duplicates.
        lengths: Number of words of each entity.
    """

    labels: tuple[str, ...]
    lengths: tuple[int, ...]


def read_gold(docs: Iterable[Doc], *, key: str | None) -> GoldSummary:
    """Summarize the annotation of documents.

    Args:
        docs: The documents.
        key: Name of a group in `doc.spans`; None for `doc.ents`.
    """
    labels: dict[str, None] = {}
    lengths = []
    for doc in docs:
        for span in gold_spans(doc, key=key):
            labels[span.label_] = None
            lengths.append(count_words(span.text))
    return GoldSummary(tuple(labels), tuple(lengths))


def gold_spans(doc: Doc, *, key: str | None) -> Iterable[Span]:
    """The annotated entities of a document.

    Args:
        doc: The document.
        key: Name of a group in `doc.spans`; None for `doc.ents`.
    """
    return doc.ents if key is None else doc.spans.get(key, ())


def has_gold(doc: Doc, *, key: str | None) -> bool:
    """Whether a document was annotated, with entities or without."""
    return doc.has_annotation("ENT_IOB") if key is None else key in doc.spans


def unknown_spans(doc: Doc, *, key: str | None) -> list[Span]:
    """The tokens of which it is unknown whether they are in an entity.

    In `doc.ents` such tokens are missing, as opposed to outside of entities; groups of spans can't
    say this.

    Args:
        doc: An annotated document.
        key: Name of a group in `doc.spans`; None for `doc.ents`.
    """
    if key is not None:
        return []
    return [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]


def spans_of_words(text: int, spans: Iterable[Span], words: Words) -> list[tuple[int, int, str]]:
    """First word, last word and label of spans.

    A span includes the words that it shares a character with.

    Args:
        text: Index of the text.
        spans: Its spans.
        words: The words of all texts.

    Returns:
        The spans, with words counted from the start of the text.
    """
    low, high = words.cu_words[text : text + 2]
    starts, ends = words.starts[low:high], words.ends[low:high]
    found = []
    for span in spans:
        first = int(np.searchsorted(ends, span.start_char, side="right"))
        last = int(np.searchsorted(starts, span.end_char, side="left")) - 1
        if first <= last:
            found.append((first, last, span.label_))
    return found


def entities_of_window(
    spans: Iterable[tuple[int, int, str]],
    windows: WordWindows,
    index: int,
    *,
    max_width: int | None,
) -> list[tuple[int, int, str]]:
    """The spans that lie in a window, counted from its start.

    Args:
        spans: Those of its text, from `spans_of_words`.
        windows: All windows.
        index: The window.
        max_width: Number of words of the longest span of the model; None for no limit.
    """
    start, length = int(windows.starts[index]), int(windows.lengths[index])
    return [
        (first - start, last - start, label)
        for first, last, label in spans
        if start <= first
        and last < start + length
        and (max_width is None or last - first < max_width)
    ]


def unknown_of_window(
    spans: Sequence[tuple[int, int, str]],
    entities: Iterable[tuple[int, int, str]],
    windows: WordWindows,
    index: int,
) -> NDArray[np.bool_] | None:
    """Whether a word of a window is in an unknown span and in no entity, `(words,)`.

    Args:
        spans: The unknown spans of its text, from `spans_of_words`.
        entities: Those of the window.
        windows: All windows.
        index: The window.

    Returns:
        None if all words are known.
    """
    start, length = int(windows.starts[index]), int(windows.lengths[index])
    unknown = np.zeros(length, dtype=bool)
    for first, last, _ in spans:
        unknown[max(first - start, 0) : max(last + 1 - start, 0)] = True
    for first, last, _ in entities:
        unknown[first : last + 1] = False
    return unknown if unknown.any() else None


def as_array(entities: list[tuple[int, int, str]], labels: list[str]) -> Ints:
    """First word, last word and index of the label, `(entities, 3)`; other labels are left out."""
    places = {label: index for index, label in enumerate(labels)}
    rows = [(first, last, places[label]) for first, last, label in entities if label in places]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)

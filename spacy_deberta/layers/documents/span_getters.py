"""Span getters: windows over tokens, for configs that count tokens instead of pieces."""

from collections.abc import Iterable
from functools import partial

from spacy.tokens import Doc, Span

from spacy_deberta.errors import Errors, check_number

from .windows import SpanGetter


def strided_spans_v1(window: int = 128, stride: int = 96) -> SpanGetter:
    """Split documents into windows of tokens that start every `stride` tokens.

    window (int): Number of tokens in a window.
    stride (int): Number of tokens from the start of one window to the start of the next; `window`
        for windows without overlap.
    RETURNS (SpanGetter): The span getter, of the same spans as
        `spacy-transformers.strided_spans.v1`.

    DOCS: docs/api/architectures.md#strided_spans
    """
    for name, value in {"window": window, "stride": stride}.items():
        check_number(name, value, lambda n: n >= 1, "at least 1", whole=True)
    if stride > window:
        raise ValueError(Errors.E452.format(window=window, stride=stride))
    return partial(get_strided_spans, window=window, stride=stride)


def sent_spans_v1() -> SpanGetter:
    """Take each sentence as a window. Sentence boundaries have to be set before the encoder runs.

    RETURNS (SpanGetter): The span getter.

    DOCS: docs/api/architectures.md#sent_spans
    """
    return get_sent_spans


def doc_spans_v1() -> SpanGetter:
    """Take each document as a window.

    RETURNS (SpanGetter): The span getter.

    DOCS: docs/api/architectures.md#doc_spans
    """
    return get_doc_spans


def get_strided_spans(docs: Iterable[Doc], *, window: int, stride: int) -> list[list[Span]]:
    """Windows of `window` tokens, up to the first that reaches the end of the document."""
    spans: list[list[Span]] = []
    for doc in docs:
        # The first start from which a window reaches the end; none for an empty document.
        last = max(len(doc) - window, 0) + stride
        starts = range(0, min(last, len(doc)), stride)
        spans.append([doc[start : start + window] for start in starts])
    return spans


def get_sent_spans(docs: Iterable[Doc]) -> list[list[Span]]:
    """The sentences of each document."""
    return [list(doc.sents) for doc in docs]


def get_doc_spans(docs: Iterable[Doc]) -> list[list[Span]]:
    """One span for each document."""
    return [[doc[:]] for doc in docs]

"""Splits pieces into windows for the encoder, and selects the window of each piece's output."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.errors import Errors, Warnings, check_number, warn
from spacy_deberta.layers.sequences import Sequences, split_ranges

from .alignment import DocPieces

SpanGetter = Callable[[list[Doc]], list[list[Span]]]


@dataclass(frozen=True)
class PieceWindows:
    """Windows of at most `window` pieces, which overlap by at least `overlap` pieces.

    Attributes:
        window: Maximum number of pieces of the text in a window, without `[CLS]` and `[SEP]`.
        overlap: Minimum number of pieces that neighbouring windows share.
    """

    window: int
    overlap: int

    def __post_init__(self) -> None:
        for name, value in {"window": self.window, "overlap": self.overlap}.items():
            check_number(name, value, lambda n: True, "counted in pieces", whole=True)
        if self.window < 1 or not 0 <= self.overlap < self.window:
            raise ValueError(Errors.E408.format(window=self.window, overlap=self.overlap))

    def __call__(self, docs: list[Doc]) -> list[list[Span]]:
        """Raise E409: an architecture that counts tokens can't use windows over pieces."""
        raise ValueError(Errors.E409)


def piece_windows_v1(window: int = 510, overlap: int = 64) -> PieceWindows:
    """Split documents into windows of pieces; a document that fits is one window.

    window (int): Maximum number of pieces of the text in a window, without `[CLS]` and `[SEP]`.
    overlap (int): Minimum number of pieces that neighbouring windows share. Each piece is read from
        the window with the most context.
    RETURNS (PieceWindows): The setting, for `get_spans` of `spacy-deberta.DebertaV2Model.v1`.

    DOCS: docs/api/architectures.md#piece_windows
    """
    return PieceWindows(window=window, overlap=overlap)


@dataclass(frozen=True)
class DocWindows:
    """The windows of a batch, packed, and the window row that each document row is copied from.

    A document's rows are `[CLS]`, its pieces and `[SEP]`. If one of its tokens has no piece, a row
    of zeros for such tokens follows, with the id of `[PAD]`. A document without tokens has no rows.

    Attributes:
        input_ids: Ids of all windows with their `[CLS]` and `[SEP]`, `(window_rows,)`.
        lengths: Rows of each window, `(windows,)`.
        docs: Index of each window's document, `(windows,)`.
        sources: For each document row, the window row that it is copied from, or -1 for zeros,
            `(doc_rows,)`.
        cu_rows: Document `i` has the rows from `cu_rows[i]` to `cu_rows[i + 1]`, `(docs + 1,)`.
        has_empty_row: Whether each document ends in a row of zeros, `(docs,)`.
    """

    input_ids: Ints
    lengths: Ints
    docs: Ints
    sources: Ints
    cu_rows: Ints
    has_empty_row: np.ndarray

    @property
    def sequences(self) -> Sequences:
        """The windows as input of the encoder, which outputs the rows of the documents."""
        return Sequences(self.input_ids, self.lengths, sources=self.sources)

    @property
    def are_whole(self) -> NDArray[np.bool_]:
        """Whether each window has all rows of its document, in their order, `(windows,)`."""
        rows = np.diff(self.cu_rows)
        counts = np.bincount(self.docs, minlength=len(rows))
        # With a row of zeros, a document has more rows than its window.
        return (counts[self.docs] == 1) & (self.lengths == rows[self.docs])

    @property
    def piece_rows(self) -> Ints:
        """The document row of each piece, `(pieces,)`."""
        rows = np.diff(self.cu_rows)
        special_rows = np.where(rows > 0, 2 + self.has_empty_row, 0)
        # Pieces start after `[CLS]`.
        return expand_ranges(self.cu_rows[:-1] + 1, rows - special_rows)


def cut_windows(
    doc_pieces: DocPieces,
    get_spans: PieceWindows | SpanGetter,
    *,
    cls_id: int,
    sep_id: int,
    max_pieces: int,
) -> DocWindows:
    """Split a batch into windows, and select for each piece the window with the most context.

    Args:
        doc_pieces: The documents and their pieces.
        get_spans: Windows over pieces, or a span getter. Its spans become windows over the pieces
            that they cover, which are split where they are too long.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        max_pieces: Maximum number of pieces of the text in a window made from a span.

    Returns:
        The windows. No piece is dropped, unless `get_spans` leaves it out.
    """
    if isinstance(get_spans, PieceWindows):
        limits = get_spans
        docs, starts, ends = _whole_docs(doc_pieces)
    else:
        limits = PieceWindows(window=max_pieces, overlap=max_pieces // 8)
        docs, starts, ends = _span_ranges(doc_pieces, get_spans)
    ranges, starts, lengths = split_ranges(
        starts, ends - starts, window=limits.window, overlap=limits.overlap
    )
    docs = docs[ranges]
    input_ids = _add_special_ids(doc_pieces.pieces.ids, starts, lengths, cls_id, sep_id)
    sources, cu_rows, has_empty_row = _doc_rows(doc_pieces, docs, starts, lengths)
    return DocWindows(
        input_ids=input_ids,
        lengths=lengths + 2,
        docs=docs,
        sources=sources,
        cu_rows=cu_rows,
        has_empty_row=has_empty_row,
    )


def _whole_docs(doc_pieces: DocPieces) -> tuple[Ints, Ints, Ints]:
    docs = np.flatnonzero(np.diff(doc_pieces.cu_tokens) > 0)
    cu_pieces = doc_pieces.pieces.cu_pieces
    return docs, cu_pieces[docs], cu_pieces[docs + 1]


def _span_ranges(doc_pieces: DocPieces, get_spans: SpanGetter) -> tuple[Ints, Ints, Ints]:
    """Document and range of pieces of each span. Spans without a piece are left out."""
    nested = _list_spans(get_spans(list(doc_pieces.docs)), doc_pieces.docs)
    spans = np.array(
        [(doc, span.start, span.end) for doc, spans in enumerate(nested) for span in spans],
        dtype=np.int64,
    ).reshape(-1, 3)
    docs = spans[:, 0]
    # From tokens to their pieces: with words, a piece that is only a space belongs to its token.
    cu_aligned = cumulative(doc_pieces.aligned_lengths)
    first, last = cu_aligned[doc_pieces.cu_tokens[docs] + spans[:, 1:].T]
    covering = last > first
    first, last = first[covering], last[covering]
    aligned = doc_pieces.aligned
    return docs[covering], aligned[first], aligned[last - 1] + 1


def _list_spans(nested: Any, docs: Sequence[Doc]) -> list[list[Span]]:
    """The spans of each document, after a check of what a span getter returned.

    Raises:
        ValueError: It is no list of spans for each document (E457), or a span is of another
            document (E458).
    """
    try:
        listed = [list(spans) for spans in nested]
    except TypeError as error:
        raise ValueError(Errors.E457.format(found=repr(nested)[:100])) from error
    if len(listed) != len(docs):
        found = f"{len(listed)} lists for {len(docs)} documents"
        raise ValueError(Errors.E457.format(found=found))
    for doc, spans in zip(docs, listed, strict=True):
        for span in spans:
            if not isinstance(span, Span):
                found = f"an item of type {type(span).__name__} instead of a span"
                raise ValueError(Errors.E457.format(found=found))
            if span.doc is not doc:
                raise ValueError(Errors.E458.format(span=repr(span.text[:50])))
    return listed


def _add_special_ids(ids: Ints, starts: Ints, lengths: Ints, cls_id: int, sep_id: int) -> Ints:
    cu_rows = cumulative(lengths + 2)
    input_ids = np.empty(int(cu_rows[-1]), dtype=np.int64)
    input_ids[cu_rows[:-1]] = cls_id
    input_ids[cu_rows[1:] - 1] = sep_id
    input_ids[expand_ranges(cu_rows[:-1] + 1, lengths)] = ids[expand_ranges(starts, lengths)]
    return input_ids


def _doc_rows(
    doc_pieces: DocPieces, docs: Ints, starts: Ints, lengths: Ints
) -> tuple[Ints, Ints, np.ndarray]:
    """`sources`, `cu_rows` and `has_empty_row` of the `DocWindows`."""
    cu_pieces = doc_pieces.pieces.cu_pieces
    token_counts = np.diff(doc_pieces.cu_tokens)
    has_tokens = token_counts > 0
    doc_of_token = np.repeat(np.arange(len(token_counts)), token_counts)
    has_empty_row = np.zeros(len(token_counts), dtype=bool)
    has_empty_row[doc_of_token[doc_pieces.aligned_lengths == 0]] = True
    piece_counts = np.diff(cu_pieces)
    cu_rows = cumulative(np.where(has_tokens, piece_counts + 2 + has_empty_row, 0))

    sources = np.full(int(cu_rows[-1]), -1, dtype=np.int64)
    window_rows = cumulative(lengths + 2)
    # In reverse, so that a document's `[CLS]` is from its first window.
    sources[cu_rows[docs[::-1]]] = window_rows[:-1][::-1]
    sources[cu_rows[docs] + 1 + piece_counts[docs]] = window_rows[1:] - 1
    pieces_with_rows = np.flatnonzero(np.repeat(has_tokens, piece_counts))
    row_of_piece = np.full(len(doc_pieces.pieces.ids), -1, dtype=np.int64)
    row_of_piece[pieces_with_rows] = expand_ranges(
        cu_rows[:-1][has_tokens] + 1, piece_counts[has_tokens]
    )
    best = _best_window_rows(doc_pieces, docs, starts, lengths, window_rows)
    sources[row_of_piece[pieces_with_rows]] = best[pieces_with_rows]
    _warn_of_uncovered(doc_pieces, best)
    return sources, cu_rows, has_empty_row


def _best_window_rows(
    doc_pieces: DocPieces, docs: Ints, starts: Ints, lengths: Ints, window_rows: Ints
) -> Ints:
    """The row of each piece in the window with the most context, or -1, `(pieces,)`."""
    cu_pieces = doc_pieces.pieces.cu_pieces
    piece = expand_ranges(starts, lengths)
    row = expand_ranges(window_rows[:-1] + 1, lengths)
    best = np.full(len(doc_pieces.pieces.ids), -1, dtype=np.int64)
    if len(np.unique(docs)) == len(docs):
        best[piece] = row
        return best
    window = np.repeat(np.arange(len(docs)), lengths)
    unlimited = np.iinfo(np.int64).max
    # At the boundary of the document no context is missing.
    left = np.where((starts == cu_pieces[docs])[window], unlimited, piece - starts[window])
    ends = starts + lengths
    right = np.where((ends == cu_pieces[docs + 1])[window], unlimited, ends[window] - 1 - piece)
    # Ascending by context: for a piece in several windows, the last assignment remains.
    order = np.argsort(np.minimum(left, right), kind="stable")
    best[piece[order]] = row[order]
    return best


def _warn_of_uncovered(doc_pieces: DocPieces, best: Ints) -> None:
    uncovered = best[doc_pieces.aligned] < 0
    if uncovered.any():
        tokens = np.repeat(np.arange(len(doc_pieces.aligned_lengths)), doc_pieces.aligned_lengths)
        warn(Warnings.W401.format(count=len(np.unique(tokens[uncovered]))))

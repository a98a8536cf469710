"""Alignment of pieces to tokens.

A piece covers a token if they share at least one character. The offsets of a piece exclude the
space before it, so a token gets no piece of its neighbour. Pieces are in text order, so the pieces
of a token are consecutive, and a binary search finds them for all tokens of a batch at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.tokenization import Pieces


@dataclass(frozen=True)
class DocPieces:
    """The pieces of a batch of documents, and the tokens that they cover.

    Attributes:
        docs: The documents.
        pieces: Their pieces, packed, with character offsets into each document's text.
        aligned: Indices into `pieces` of the pieces that cover each token, concatenated in token
            order, `(aligned_lengths.sum(),)`.
        aligned_lengths: Number of pieces that cover each token, `(tokens,)`; 0 for tokens of
            whitespace, or of characters that the normalizer removes.
        cu_tokens: Cumulative token counts: document `i` has the tokens from `cu_tokens[i]` to
            `cu_tokens[i + 1]`, `(docs + 1,)`.
    """

    docs: tuple[Doc, ...]
    pieces: Pieces
    aligned: Ints
    aligned_lengths: Ints
    cu_tokens: Ints


def align_pieces(docs: Sequence[Doc], pieces: Pieces) -> DocPieces:
    """Align the pieces of a batch of documents to their tokens.

    Args:
        docs: The documents.
        pieces: The pieces of `[doc.text for doc in docs]`.

    Returns:
        The alignment: for each token, exactly the pieces that share a character with it.
    """
    positions = PiecePositions(pieces)
    starts, ends, cu_tokens = token_offsets(docs)
    doc_of_token = np.repeat(np.arange(len(docs)), np.diff(cu_tokens))
    first, last = positions.covering(doc_of_token, starts, ends)
    lengths = last - first
    return DocPieces(
        docs=tuple(docs),
        pieces=pieces,
        aligned=positions.rows[expand_ranges(first, lengths)],
        aligned_lengths=lengths,
        cu_tokens=cu_tokens,
    )


def align_words(docs: Sequence[Doc], pieces: Pieces, counts: Ints) -> DocPieces:
    """Align pieces that were made of each token on its own.

    Args:
        docs: The documents.
        pieces: The pieces of their tokens, with offsets within each token.
        counts: Number of pieces of each token, `(tokens,)`.

    Returns:
        The alignment: each piece belongs to its own token, also a piece that is only a space. The
        offsets are those in the text of the document.
    """
    starts, _, cu_tokens = token_offsets(docs)
    shift = np.repeat(starts, counts)
    return DocPieces(
        docs=tuple(docs),
        pieces=Pieces(pieces.ids, pieces.starts + shift, pieces.ends + shift, pieces.cu_pieces),
        aligned=np.arange(len(pieces.ids), dtype=np.int64),
        aligned_lengths=counts,
        cu_tokens=cu_tokens,
    )


class PiecePositions:
    """Offsets of a batch's pieces on one axis, for a single binary search over the batch.

    Attributes:
        rows: Indices of the pieces that have characters. A piece that is only a space has none,
            and covers no token.
    """

    def __init__(self, pieces: Pieces) -> None:
        # The stride is the length of the longest text plus one, so that no text ends where the
        # next one starts.
        self._stride = int(pieces.ends.max(initial=0)) + 1
        base = np.repeat(np.arange(len(pieces)) * self._stride, np.diff(pieces.cu_pieces))
        self.rows: Ints = np.flatnonzero(pieces.ends > pieces.starts)
        self._starts = (pieces.starts + base)[self.rows]
        self._ends = (pieces.ends + base)[self.rows]

    def covering(self, docs: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """Ranges in `rows` of the pieces that share a character with each span.

        Args:
            docs: The document of each span, `(spans,)`.
            starts: Start offset of each span in characters, `(spans,)`.
            ends: End offset of each span in characters, `(spans,)`.

        Returns:
            Start and end of each range in `rows`, both `(spans,)`.
        """
        base, last_offset = docs * self._stride, self._stride - 1
        # Offsets beyond the last piece of a text must not reach into the next text.
        starts, ends = np.minimum(starts, last_offset), np.minimum(ends, last_offset)
        first = np.searchsorted(self._ends, starts + base, side="right")
        last = np.searchsorted(self._starts, ends + base, side="left")
        return first, np.maximum(first, last)


def token_offsets(docs: Sequence[Doc]) -> tuple[Ints, Ints, Ints]:
    """Character offsets of the tokens of a batch.

    Args:
        docs: The documents.

    Returns:
        Start and end offset of each token in the text of its document, both `(tokens,)`, and the
        cumulative token counts, `(docs + 1,)`.
    """
    cu_tokens = cumulative(np.array([len(doc) for doc in docs], dtype=np.int64))
    arrays = [doc.to_array(["IDX", "LENGTH"]).reshape(-1, 2) for doc in docs if len(doc)]
    if not arrays:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, cu_tokens
    offsets = np.concatenate(arrays).astype(np.int64)
    return offsets[:, 0], offsets[:, 0] + offsets[:, 1], cu_tokens

"""Which pieces cover which tokens: the one rule of alignment.

A piece covers a token if they share at least one character. Pieces know their own characters,
without the space before them, so no token gets a piece of its neighbour; and they come in the order
of the text, so the pieces of a token are one run, found by bisection for the whole batch at once.
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
        aligned: For every token in turn, the rows in `pieces` of the pieces that cover it,
            `(sum of aligned_lengths,)`.
        aligned_lengths: Number of pieces that cover each token, `(tokens,)`. Tokens of whitespace,
            or of characters that the normalizer removes, have none.
        cu_tokens: Document `i` has the tokens from `cu_tokens[i]` to `cu_tokens[i + 1]`,
            `(docs + 1,)`.
    """

    docs: tuple[Doc, ...]
    pieces: Pieces
    aligned: Ints
    aligned_lengths: Ints
    cu_tokens: Ints


def align_pieces(docs: Sequence[Doc], pieces: Pieces) -> DocPieces:
    """Find the pieces of every token of a batch.

    Args:
        docs: The documents, `len(docs)` of them.
        pieces: The pieces of `[doc.text for doc in docs]`.

    Returns:
        The alignment: exactly the pieces that share a character with the token.
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


class PiecePositions:
    """The characters of a batch's pieces on one axis, so that one bisection serves the whole batch.

    Attributes:
        rows: Rows in the batch of the pieces that have characters; a piece that is only a space
            has none and covers nothing.
    """

    def __init__(self, pieces: Pieces) -> None:
        # Every text gets the room of the longest and one more, so that none ends where the next
        # one starts.
        self._room = int(pieces.ends.max(initial=0)) + 1
        base = np.repeat(np.arange(len(pieces)) * self._room, np.diff(pieces.cu_pieces))
        self.rows: Ints = np.flatnonzero(pieces.ends > pieces.starts)
        self._starts = (pieces.starts + base)[self.rows]
        self._ends = (pieces.ends + base)[self.rows]

    def covering(self, docs: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """The ranges in `rows` of the pieces that share a character with character spans.

        Args:
            docs: The document of each span, `(spans,)`.
            starts: Start offset of each span in characters, `(spans,)`.
            ends: End offset of each span in characters, `(spans,)`.

        Returns:
            Start and end of each range in `rows`, both `(spans,)`.
        """
        base, last_place = docs * self._room, self._room - 1
        # Offsets beyond the last piece of a text must not reach into the next text.
        starts, ends = np.minimum(starts, last_place), np.minimum(ends, last_place)
        first = np.searchsorted(self._ends, starts + base, side="right")
        last = np.searchsorted(self._starts, ends + base, side="left")
        return first, np.maximum(first, last)


def token_offsets(docs: Sequence[Doc]) -> tuple[Ints, Ints, Ints]:
    """Where all tokens of a batch are in the texts of their documents.

    Args:
        docs: The documents.

    Returns:
        First character of each token and the one after its last, `(tokens,)` both; and where the
        tokens of each document start and the last end, `(docs + 1,)`.
    """
    cu_tokens = cumulative(np.array([len(doc) for doc in docs], dtype=np.int64))
    arrays = [doc.to_array(["IDX", "LENGTH"]).reshape(-1, 2) for doc in docs if len(doc)]
    if not arrays:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, cu_tokens
    offsets = np.concatenate(arrays).astype(np.int64)
    return offsets[:, 0], offsets[:, 0] + offsets[:, 1], cu_tokens

"""The pieces of a batch of texts: ids and character offsets, packed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from spacy_deberta.arrays import Ints


@dataclass(frozen=True, eq=False)
class Pieces:
    """The packed pieces of a batch of texts, one row a piece, without special tokens.

    Starts never decrease within a text. Two pieces of one text overlap only where one character
    was cut into several (the bytes of an unknown character, the "1" and "2" of "½"). A whitespace
    piece has zero width, at the start of the following character.

    Args:
        ids: Piece ids. *Shape:* `(total_pieces,)`, int64.
        starts: First character of every piece in its own text, in code points of the original
            Python string. *Shape:* `(total_pieces,)`, int64.
        ends: One past the last character of every piece. *Shape:* `(total_pieces,)`, int64.
        cu_pieces: Text `i` owns the rows `cu_pieces[i]:cu_pieces[i + 1]`.
            *Shape:* `(texts + 1,)`, int64.
    """

    ids: Ints
    starts: Ints
    ends: Ints
    cu_pieces: Ints

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.cu_pieces) - 1

    def __iter__(self) -> Iterator[tuple[Ints, Ints, Ints]]:
        """Yield `(ids, starts, ends)` of each text, as views."""
        bounds = self.cu_pieces.tolist()
        for start, end in pairwise(bounds):
            yield self.ids[start:end], self.starts[start:end], self.ends[start:end]

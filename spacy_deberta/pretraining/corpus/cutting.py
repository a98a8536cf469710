"""Split the documents of a corpus into sequences."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .random_access import NumberFile

# Elements in memory at a time.
_BLOCK = 1 << 18


def cut_documents(
    documents: NumberFile, pieces: NumberFile, *, room: int, starts_word: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """Split every document into sequences of a maximum length.

    A sequence is as long as possible if the next one begins with the start of a word. If that makes
    it shorter than half of the maximum, as in scripts without spaces, it is split within a word.

    Args:
        documents: Start of each document, and the end of the last one.
        pieces: The pieces of all documents.
        room: Maximum number of pieces of a sequence.
        starts_word: Whether a piece starts a word. *Shape:* `(vocabulary,)`.

    Yields:
        Starts of the sequences, in order, in blocks; the last element is the end of the last one.
    """
    words = _WordStarts(pieces, starts_word, block=max(_BLOCK, room + 1))
    found: list[int] = []
    count = len(documents)
    end = 0
    for first in range(0, count - 1, _BLOCK):
        bounds = documents.read(first, _BLOCK + 1)
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            found.append(start)
            while end - start > room:
                start = words.last_within(start + room // 2 + 1, start + room)
                found.append(start)
            if len(found) > _BLOCK:
                yield np.array(found, np.int64)
                found.clear()
    yield np.array([*found, end], np.int64)


class _WordStarts:
    """The pieces that start words, in a sliding block of the corpus."""

    def __init__(self, pieces: NumberFile, starts_word: NDArray[np.bool_], *, block: int) -> None:
        self._pieces = pieces
        self._starts_word = starts_word
        self._block = block
        self._first = 0
        # For each piece, the last word start up to it; -1 for none.
        self._last: list[int] = []

    def last_within(self, low: int, high: int) -> int:
        """The last piece from `low` to `high` that starts a word, or `high` if there is none."""
        if high >= self._first + len(self._last):
            self._first = low
            ids = self._pieces.read(low, self._block)
            positions = np.where(self._starts_word[ids], np.arange(low, low + len(ids)), -1)
            self._last = np.maximum.accumulate(positions).tolist()
        last = self._last[high - self._first]
        return last if last >= low else high

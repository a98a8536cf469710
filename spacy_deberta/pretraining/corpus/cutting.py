"""Where the documents of a corpus are cut into sequences."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .random_access import NumberFile

# Numbers in memory at a time.
_BLOCK = 1 << 18


def cut_documents(
    documents: NumberFile, pieces: NumberFile, *, room: int, starts_word: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """Cut every document into stretches of at most so many pieces.

    A stretch is as long as it can be so that the next one begins a word. Where that would make it
    shorter than half, as in writing without spaces, it is cut within the word.

    Args:
        documents: Where each begins, and where the last one ends.
        pieces: Those of all documents.
        room: Pieces of a stretch at most.
        starts_word: Whether a piece begins a word. *Shape:* `(vocabulary,)`.

    Yields:
        Where the stretches begin, in order, in blocks; last of all, where the last one ends.
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
    """Which pieces begin words, of a block of the corpus that is moved along."""

    def __init__(self, pieces: NumberFile, starts_word: NDArray[np.bool_], *, block: int) -> None:
        self._pieces = pieces
        self._starts_word = starts_word
        self._block = block
        self._first = 0
        # Of each piece, the last one up to it that begins a word; -1 for none.
        self._last: list[int] = []

    def last_within(self, low: int, high: int) -> int:
        """The last piece from `low` to `high` that begins a word, or else `high`."""
        if high >= self._first + len(self._last):
            self._first = low
            ids = self._pieces.read(low, self._block)
            places = np.where(self._starts_word[ids], np.arange(low, low + len(ids)), -1)
            self._last = np.maximum.accumulate(places).tolist()
        last = self._last[high - self._first]
        return last if last >= low else high

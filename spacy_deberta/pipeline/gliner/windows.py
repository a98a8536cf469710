"""Windows of words of long texts, and the window that each span is read from."""

from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Ints
from spacy_deberta.layers import PieceRanges


@dataclass(frozen=True, eq=False)
class WordWindows:
    """Windows of texts, in their order.

    Attributes:
        texts: The text of each window, `(windows,)`.
        starts: Its first word, counted from the start of its text, `(windows,)`.
        lengths: Number of words, at least 1, `(windows,)`.
        low: A window has the spans with `low < first + last <= high`, where `last` is one past the
            last word, both counted from the start of the text, `(windows,)`.
        high: See `low`.
    """

    texts: Ints
    starts: Ints
    lengths: Ints
    low: Ints
    high: Ints


def cut_word_windows(cu_words: Ints, *, window: int, overlap: int) -> WordWindows:
    """Split texts into the minimum number of windows of even length.

    A span that lies in two windows belongs to the one in which it has more words between it and
    the end of the window. With `last - first <= overlap`, this is one that has the whole span.

    Args:
        cu_words: Boundaries of the texts, `(texts + 1,)`.
        window: Maximum number of words of a window.
        overlap: Minimum number of words that neighbouring windows share, at most half of `window`.

    Returns:
        The windows; texts without words have none.
    """
    counts = np.diff(cu_words)
    ranges = PieceRanges(
        ids=np.zeros(0, dtype=np.int64),
        texts=np.arange(len(counts), dtype=np.int64),
        starts=np.zeros_like(counts),
        lengths=counts,
    ).take(np.flatnonzero(counts))
    cut, _ = ranges.split(window=window, overlap=overlap)
    ends = cut.starts + cut.lengths
    follows = np.append(cut.texts[1:] == cut.texts[:-1], False)[: len(cut.texts)]
    limit = 2 * int(counts.max(initial=0))
    # With `a` at the end of a window and `b` at the start of the next one: a span is as far from
    # the one as from the other if `first - b = a - last`.
    high = np.where(follows, ends + np.append(cut.starts[1:], 0)[: len(ends)], limit)
    low = np.where(np.append(False, follows[:-1])[: len(ends)], np.append(0, high[:-1]), 0)
    return WordWindows(cut.texts, cut.starts, cut.lengths, low[: len(ends)], high)

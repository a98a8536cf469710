"""Windows of words, and the window of each span."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.arrays import cumulative
from spacy_deberta.pipeline.gliner.windows import cut_word_windows


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=4),
    st.integers(2, 20),
    st.data(),
)
def test_a_span_is_read_from_the_one_window_with_the_most_words_around_it(counts, window, data):
    overlap = data.draw(st.integers(0, window // 2))
    windows = cut_word_windows(
        cumulative(np.array(counts, dtype=np.int64)), window=window, overlap=overlap
    )
    assert windows.lengths.max(initial=1) <= window
    assert windows.lengths.min(initial=1) >= 1
    for text, count in enumerate(counts):
        of_text = np.flatnonzero(windows.texts == text)
        assert (len(of_text) == 0) == (count == 0)
        for start in range(count):
            for end in range(start + 1, min(count, start + max(overlap, 1)) + 1):
                owners = [i for i in of_text if windows.low[i] < start + end <= windows.high[i]]
                assert len(owners) == 1
                first, last = _bounds(windows, owners[0])
                assert first <= start
                assert end <= last
                context = _context(windows, owners[0], start, end, count)
                others = [_context(windows, i, start, end, count) for i in of_text]
                assert context == max(others)


def _bounds(windows, index):
    first = int(windows.starts[index])
    return first, first + int(windows.lengths[index])


def _context(windows, index, start, end, count):
    """Words between a span and the nearer end of a window; ends of the text do not count."""
    first, last = _bounds(windows, index)
    left = start - first if first > 0 else count
    right = last - end if last < count else count
    return min(left, right)

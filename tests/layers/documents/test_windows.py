from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_deberta.layers import PieceWindows, align_pieces
from spacy_deberta.layers.documents.windows import cut_windows
from spacy_deberta.tokenization import Pieces

VOCAB = Vocab()
CLS, SEP = 1, 2


def make_batch(piece_counts):
    """Documents of single-character tokens, each of which is one piece with an id of its own."""
    docs = [Doc(VOCAB, words=["x"] * n, spaces=[False] * n) for n in piece_counts]
    offsets = [np.arange(n) for n in piece_counts]
    starts = np.concatenate([np.zeros(0, dtype=np.int64), *offsets])
    pieces = Pieces(
        ids=np.arange(10, 10 + len(starts)),
        starts=starts,
        ends=starts + 1,
        cu_pieces=np.cumsum([0, *piece_counts]),
    )
    return align_pieces(docs, pieces)


def windows_of(plan):
    return np.split(plan.input_ids, np.cumsum(plan.lengths))[:-1]


limits = st.integers(1, 12).flatmap(
    lambda window: st.builds(
        PieceWindows, window=st.just(window), overlap=st.integers(0, window - 1)
    )
)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), limits)
def test_windows_cover_every_piece_within_their_limits(piece_counts, limits):
    doc_pieces = make_batch(piece_counts)
    plan = cut_windows(doc_pieces, limits, cls_id=CLS, sep_id=SEP, max_pieces=100)
    windows = windows_of(plan)
    assert all(w[0] == CLS and w[-1] == SEP and len(w) <= limits.window + 2 for w in windows)
    seen = np.concatenate([w[1:-1] for w in windows]) if windows else []
    assert set(seen) == set(doc_pieces.pieces.ids)
    # As few windows as the overlap allows.
    step = limits.window - limits.overlap
    fewest = [max(1, -(-(n - limits.overlap) // step)) if n else 0 for n in piece_counts]
    fewest = [1 if 0 < n <= limits.window else f for n, f in zip(piece_counts, fewest, strict=True)]
    assert len(windows) == sum(fewest)
    for one, other in pairwise(windows):
        shared = set(one[1:-1]) & set(other[1:-1])
        same_doc = _doc_of(one[1], piece_counts) == _doc_of(other[1], piece_counts)
        assert not same_doc or len(shared) >= limits.overlap


def _doc_of(piece_id, piece_counts):
    return int(np.searchsorted(np.cumsum(piece_counts), piece_id - 10, side="right"))


@given(st.lists(st.integers(0, 25), min_size=1, max_size=3), limits)
def test_each_piece_is_read_from_the_window_with_the_most_context(piece_counts, limits):
    doc_pieces = make_batch(piece_counts)
    plan = cut_windows(doc_pieces, limits, cls_id=CLS, sep_id=SEP, max_pieces=100)
    starts = np.cumsum(plan.lengths) - plan.lengths
    windows = windows_of(plan)
    for doc, count in enumerate(piece_counts):
        rows = plan.sources[plan.cu_rows[doc] : plan.cu_rows[doc + 1]]
        assert len(rows) == (count + 2 if count else 0)
        if not count:
            continue
        ids = plan.input_ids[rows]
        base = 10 + sum(piece_counts[:doc])
        assert ids.tolist() == [CLS, *range(base, base + count), SEP]
        for piece, row in enumerate(rows[1:-1]):
            contexts = {
                int(start + 1 + np.flatnonzero(window[1:-1] == base + piece)[0]): _context(
                    window[1:-1] - base, piece, count
                )
                for start, window in zip(starts, windows, strict=True)
                if base + piece in window[1:-1]
            }
            assert contexts[int(row)] == max(contexts.values())


def _context(window, piece, count):
    left = np.inf if window[0] == 0 else piece - window[0]
    right = np.inf if window[-1] == count - 1 else window[-1] - piece
    return min(left, right)


def test_a_stock_span_getter_gives_its_windows():
    doc_pieces = make_batch([10, 0, 3])

    def get_spans(docs):
        return [[doc[i : i + 4] for i in range(0, len(doc), 2)] for doc in docs]

    plan = cut_windows(doc_pieces, get_spans, cls_id=CLS, sep_id=SEP, max_pieces=100)
    assert [w[1:-1].tolist() for w in windows_of(plan)][:2] == [[10, 11, 12, 13], [12, 13, 14, 15]]
    assert (plan.sources >= 0).all()


def test_a_span_that_is_too_long_is_cut_not_truncated():
    doc_pieces = make_batch([50])
    plan = cut_windows(
        doc_pieces, lambda docs: [[doc[:]] for doc in docs], cls_id=CLS, sep_id=SEP, max_pieces=16
    )
    assert max(plan.lengths) <= 18
    assert set(plan.input_ids) == {CLS, SEP, *range(10, 60)}


def test_tokens_outside_of_all_spans_are_warned_of():
    doc_pieces = make_batch([5])
    with pytest.warns(UserWarning, match="W401.*3 tokens"):
        plan = cut_windows(
            doc_pieces, lambda docs: [[docs[0][:2]]], cls_id=CLS, sep_id=SEP, max_pieces=16
        )
    assert (plan.sources < 0).sum() == 3


@pytest.mark.parametrize(("window", "overlap"), [(0, 0), (4, 4), (4, -1)])
def test_impossible_windows_are_refused(window, overlap):
    with pytest.raises(ValueError, match="E408"):
        PieceWindows(window=window, overlap=overlap)


def test_another_architecture_is_told_that_it_knows_no_pieces():
    with pytest.raises(ValueError, match="E409"):
        PieceWindows(window=4, overlap=1)([])


def other_document(docs):
    return [[doc.copy()[:]] for doc in docs]


WRONG_SPANS = {
    "a number": (lambda docs: 3, "E457.*returned 3"),
    "nothing": (lambda docs: None, "E457.*None"),
    "numbers": (lambda docs: [1, 2], "E457.*1, 2"),
    "spans without lists": (lambda docs: [doc[:] for doc in docs], "E457.*type Token"),
    "documents": (lambda docs: [[doc] for doc in docs], "E457.*type Doc"),
    "too few": (lambda docs: [[docs[0][:]]], "E457.*1 lists for 2 documents"),
    "copies": (other_document, "E458.*'xxx'"),
    "the other order": (lambda docs: [[doc[:]] for doc in reversed(docs)], "E458.*'xxxxx'"),
}


@pytest.mark.parametrize("name", WRONG_SPANS)
def test_span_getters_that_return_something_else(name):
    get_spans, message = WRONG_SPANS[name]
    with pytest.raises(ValueError, match=message):
        cut_windows(make_batch([3, 5]), get_spans, cls_id=CLS, sep_id=SEP, max_pieces=4)


def test_span_getters_may_return_other_iterables():
    spans = cut_windows(
        make_batch([3, 5]),
        lambda docs: (iter([doc[:2], doc[2:]]) for doc in docs),
        cls_id=CLS,
        sep_id=SEP,
        max_pieces=4,
    )
    assert [len(window) - 2 for window in windows_of(spans)] == [2, 1, 2, 3]

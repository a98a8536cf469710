import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Model

from spacy_deberta.layers import PieceWindows
from spacy_deberta.layers.documents.doc_rows import doc_rows, predict_doc_rows
from spacy_deberta.layers.documents.windows import plan_windows
from tests.layers.test_windows import CLS, SEP, limits, make_batch

WIDTH = 256


def make_plan(piece_counts, get_spans):
    return plan_windows(make_batch(piece_counts), get_spans, cls_id=CLS, sep_id=SEP, max_pieces=100)


def encoder(sizes):
    """An encoder that gives its input back, twice, and notes how many rows it was given."""

    def forward(model, sequences, is_train):
        sizes.append(len(sequences.input_ids))
        assert sequences.lengths.sum() == len(sequences.input_ids)
        rows = np.repeat(sequences.input_ids[:, None].astype("f"), WIDTH, axis=1)
        return [rows, 2 * rows], None

    return Model("ids", forward)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), limits, st.integers(1, 80))
def test_sub_batches_give_the_rows_of_the_documents(piece_counts, get_spans, max_pieces):
    plan = make_plan(piece_counts, get_spans)
    sizes = []
    first, second = predict_doc_rows(encoder(sizes), plan, max_pieces=max_pieces)
    expected, piece = [], 10
    for count in piece_counts:
        expected += [CLS, *range(piece, piece + count), SEP] if count else []
        piece += count
    assert first[:, 0].tolist() == expected
    assert (second == 2 * first).all()
    assert sum(sizes) == plan.lengths.sum()
    longest = plan.lengths.max(initial=0)
    assert max(sizes) <= max(max_pieces, longest)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=4), limits)
def test_gradients_go_back_to_the_rows_that_were_read(piece_counts, get_spans):
    plan = make_plan(piece_counts, get_spans)
    rows = np.random.default_rng(0).normal(size=(len(plan.input_ids), 3)).astype("f")
    (Y,), backprop = doc_rows()(([rows], plan), is_train=True)
    dY = np.random.default_rng(1).normal(size=Y.shape).astype("f")
    dX = backprop(dY)
    assert dX.shape == rows.shape
    # The layer is linear, so its gradient is its transpose.
    assert (Y * dY).sum() == pytest.approx((rows * dX).sum(), abs=1e-4)


def test_documents_of_one_window_are_not_copied():
    plan = make_plan([5, 0, 7], PieceWindows(window=510, overlap=64))
    rows = np.ones((len(plan.input_ids), 3), dtype="f")
    (Y,), _ = doc_rows()(([rows], plan), is_train=False)
    assert Y is rows


def test_memory_is_that_of_the_rows_and_one_sub_batch():
    plan = make_plan([40_000], PieceWindows(window=510, overlap=64))
    tracemalloc.start()
    rows = predict_doc_rows(encoder([]), plan, max_pieces=4096)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = sum(array.nbytes for array in rows)
    # The rest is a sub-batch, and some numbers for each row.
    assert peak < kept + 20 * 4096 * WIDTH + 100 * len(plan.input_ids)

"""Rows of documents from the sub-batches of their windows, with an identity encoder."""

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_deberta.layers import PieceWindows
from spacy_deberta.layers.encoder.batches import plan_batches
from spacy_deberta.layers.encoder.output_rows import OutputRows
from tests.layers.documents.test_windows import CLS, SEP, limits, make_batch

counts = st.lists(st.integers(0, 60), min_size=1, max_size=5)


def make_plan(piece_counts, get_spans, max_pieces):
    return make_windows(piece_counts, get_spans, max_pieces)[1]


def make_windows(piece_counts, get_spans, max_pieces, **settings):
    return plan_batches(
        make_batch(piece_counts),
        get_spans,
        cls_id=CLS,
        sep_id=SEP,
        max_window=100,
        max_pieces=max_pieces,
        **settings,
    )


def expected_ids(piece_counts):
    ids, piece = [], 10
    for count in piece_counts:
        ids += [CLS, *range(piece, piece + count), SEP] if count else []
        piece += count
    return ids


@pytest.mark.parametrize("is_train", [False, True])
@given(counts, limits, st.integers(1, 80))
def test_sub_batches_give_the_rows_of_the_documents(is_train, piece_counts, get_spans, max_pieces):
    plan = make_plan(piece_counts, get_spans, max_pieces)
    output = OutputRows(plan, is_train=is_train)
    for batch in plan.batches:
        rows = batch.input_ids[:, None].float().repeat(1, 3)
        output.add(batch, [rows, 2 * rows])
    first, second = output.joined()
    assert first[:, 0].tolist() == expected_ids(piece_counts)
    assert torch.equal(second, 2 * first)


@given(counts, limits, st.integers(1, 80))
def test_views_and_copies_are_the_rows_of_the_documents(piece_counts, get_spans, max_pieces):
    windows, plan = make_windows(piece_counts, get_spans, max_pieces, keep_views=True)
    output, views = OutputRows(plan, is_train=False), {}
    for batch in plan.batches:
        rows = batch.input_ids[:, None].float()
        output.add(batch, [rows])
        for window, start, end in batch.views:
            views[int(windows.docs[window])] = rows[start:end]
    (copies,) = output.joined()
    found, start = [], 0
    for doc, length in enumerate(np.diff(windows.cu_rows).tolist()):
        if doc not in views:
            views[doc] = copies[start : start + length]
            start += length
        found += views[doc][:, 0].tolist()
    assert found == expected_ids(piece_counts)
    assert start == len(copies)


def test_documents_of_several_windows_are_copied_by_ranges():
    get_spans = PieceWindows(window=100, overlap=10)
    _, plan = make_windows([99, 99, 120], get_spans, 1000, keep_views=True)
    (batch,) = plan.batches
    assert batch.views == ((0, 0, 101), (1, 101, 202))
    assert plan.size == 122
    assert len(batch.runs) == 2
    # A view keeps its whole sub-batch in memory, so there is none among longer documents.
    _, plan = make_windows([50, 70, 120], get_spans, 1000, keep_views=True)
    assert plan.batches[0].views == ()


@given(counts, limits, st.integers(1, 80))
def test_gradients_go_back_to_the_rows_that_were_read(piece_counts, get_spans, max_pieces):
    plan = make_plan(piece_counts, get_spans, max_pieces)
    output, inputs = OutputRows(plan, is_train=True), []
    generator = torch.Generator().manual_seed(0)
    for batch in plan.batches:
        inputs.append(torch.randn(len(batch.input_ids), 3, generator=generator).requires_grad_())
        output.add(batch, [inputs[-1]])
    (Y,) = output.joined()
    dY = torch.randn(Y.shape, generator=generator)
    Y.backward(dY)
    # The output is linear in the rows, so its gradient is the transpose.
    moved = sum((X * X.grad).sum() for X in inputs if X.grad is not None)
    assert float((Y * dY).sum()) == pytest.approx(float(moved), abs=1e-4)


def test_documents_of_one_window_are_not_copied():
    plan = make_plan([5, 0, 7], PieceWindows(window=510, overlap=64), 100)
    (batch,) = plan.batches
    rows = torch.ones(len(batch.input_ids), 3)
    for is_train in (False, True):
        output = OutputRows(plan, is_train=is_train)
        output.add(batch, [rows])
        assert output.joined()[0] is rows


def test_a_prediction_keeps_no_sub_batch_behind_the_next_one():
    plan = make_plan([4000], PieceWindows(window=510, overlap=64), 1000)
    assert len(plan.batches) > 2
    output, seen = OutputRows(plan, is_train=False), []
    for batch in plan.batches:
        assert not any(reference() is not None for reference in seen)
        rows = batch.input_ids[:, None].float()
        seen.append(weakref.ref(rows))
        output.add(batch, [rows])
        del rows
    assert output.joined()[0][:, 0].tolist() == expected_ids([4000])

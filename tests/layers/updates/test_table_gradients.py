"""Sparse gradients of tables become dense for the optimizer, and buffers are zeroed again."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Adam
from torch.nn import functional

from spacy_deberta.layers.updates.gradient_updates import GradientUpdates
from spacy_deberta.layers.updates.optimization import ParameterUpdate
from spacy_deberta.layers.updates.table_gradients import TableGradients

ROWS, WIDTH = 7, 3
batches = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=12)


def read(table, rows, *, sparse):
    """Look up rows of a table, the first of which is padding, and run the backward pass."""
    read = functional.embedding(torch.tensor(rows), table, 0, sparse=sparse)
    (read * torch.arange(1.0, 1 + read.numel()).view_as(read)).sum().backward()


@given(st.lists(st.lists(batches, min_size=1, max_size=2), min_size=1, max_size=4))
def test_equal_to_dense_gradients_in_every_update(updates):
    gradients = TableGradients()
    table = torch.nn.Parameter(torch.ones(ROWS, WIDTH))
    for sub_batches in updates:
        expected = torch.nn.Parameter(torch.ones(ROWS, WIDTH))
        for rows in sub_batches:
            read(table, rows, sparse=True)
            read(expected, rows, sparse=False)
        with gradients.made_dense([table], keep_memory=True):
            torch.testing.assert_close(table.grad, expected.grad)
            table.grad.mul_(0.5)  # as clipping does
        assert table.grad is None


def test_what_an_error_leaves_is_not_in_the_next_gradient():
    gradients = TableGradients()
    table = torch.nn.Parameter(torch.ones(ROWS, WIDTH))
    read(table, [1, 2], sparse=True)
    with pytest.raises(RuntimeError), gradients.made_dense([table], keep_memory=True):
        raise RuntimeError
    assert table.grad is None
    read(table, [3], sparse=True)
    with gradients.made_dense([table], keep_memory=True):
        assert table.grad.any(dim=1).nonzero().flatten().tolist() == [3]


def test_memory_is_kept_and_never_shared():
    gradients = TableGradients()
    tables = [torch.nn.Parameter(torch.ones(ROWS, WIDTH)) for _ in range(2)]
    places = set()
    for _ in range(3):
        for table in tables:
            read(table, [1], sparse=True)
        with gradients.made_dense(tables, keep_memory=True):
            places.add(tuple(table.grad.data_ptr() for table in tables))
        with gradients.made_dense(tables, keep_memory=True):
            pass  # an update without gradients
    assert len(places) == 1
    assert len(set(*places)) == 2


def test_gradients_of_other_parameters_are_unchanged():
    parameters = [torch.nn.Parameter(torch.ones(ROWS, WIDTH)) for _ in range(2)]
    read(parameters[0], [1, 1, 4], sparse=False)
    before = parameters[0].grad.clone()
    with TableGradients().made_dense(parameters, keep_memory=True):
        assert parameters[1].grad is None
    torch.testing.assert_close(parameters[0].grad, before)


def test_writes_of_an_optimizer_to_other_rows_are_not_in_the_next_gradient():
    gradients = TableGradients()
    table = torch.nn.Parameter(torch.ones(ROWS, WIDTH))
    for row in (1, 2):
        read(table, [row], sparse=True)
        with gradients.made_dense([table], keep_memory=False):
            assert table.grad.any(dim=1).nonzero().flatten().tolist() == [row]
            table.grad.add_(table.data)


@given(batches, st.sampled_from([0.0, 1e-3, 1.0, 1e6]))
def test_the_rows_of_a_batch_are_clipped_as_the_whole_gradient(rows, grad_clip):
    updated = []
    for sparse in (True, False):
        table = torch.nn.Parameter(torch.ones(ROWS, WIDTH))
        read(table, rows, sparse=sparse)
        # With a large epsilon, Adam's step depends on the size of the gradient.
        optimizer = Adam(0.1, eps=1.0, grad_clip=grad_clip)
        key = (0, "table")
        updates = {key: ParameterUpdate(learn_rate_scale=1.0, weight_decay=False)}
        assert GradientUpdates()(optimizer, {key: table}, updates, scaled=False)
        updated.append(table.detach())
    torch.testing.assert_close(*updated)

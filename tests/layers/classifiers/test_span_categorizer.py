"""`span_categorizer` against spaCy's own model, with the same weights."""

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.ml.models.spancat import (
    build_linear_logistic,
    build_mean_max_reducer,
    build_spancat_model,
)
from thinc.api import (
    Dropout,
    Linear,
    Maxout,
    Model,
    ParametricAttention,
    PyTorchWrapper,
    Softmax_v2,
    chain,
    fix_random_seed,
    get_current_ops,
    reduce_mean,
    reduce_sum,
    set_dropout_rate,
    with_array,
)
from thinc.types import Ragged

from spacy_deberta.layers import span_categorizer
from spacy_deberta.layers.classifiers.fixed_dropout import fixed_dropout

WIDTH = 6
LABELS = 3
REDUCERS: dict[str, Callable[[], Any]] = {
    "mean and max": lambda: build_mean_max_reducer(4),
    "mean": reduce_mean,
    "attention": lambda: chain(ParametricAttention(), reduce_sum()),
    "words first": lambda: chain(with_array(Maxout(5, normalize=True)), reduce_mean()),
}
SCORERS = {
    "logistic": build_linear_logistic,
    "softmax": Softmax_v2,
    "two layers": lambda: chain(Maxout(7, normalize=True), Linear()),
}


def given_rows():
    """A fake listener, whose documents are their rows."""

    def forward(model, docs, is_train):
        return [model.ops.asarray2f(doc) for doc in docs], lambda gradients: gradients

    return Model("given_rows", forward)


def make_rows(*lengths):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, WIDTH)).astype("f") for length in lengths]


def make_spans(*of_docs):
    """The output of a suggester, from a list of spans for each document."""
    bounds = [bound for doc in of_docs for bound in doc]
    array = np.array(bounds, dtype="i") if bounds else np.zeros((0, 0), dtype="i")
    ops = get_current_ops()
    return Ragged(ops.asarray(array), ops.asarray1i([len(doc) for doc in of_docs]))


def all_spans(*lengths, longest):
    return make_spans(
        *(
            [(i, i + n) for n in range(1, longest + 1) for i in range(length - n + 1)]
            for length in lengths
        )
    )


def make_models(reducer=REDUCERS["mean and max"], scorer=build_linear_logistic, max_batch_rows=5):
    """The stock model and ours, with the same random weights."""
    fix_random_seed(0)
    stock = build_spancat_model(given_rows(), reducer(), scorer())
    X = make_rows(3), all_spans(3, longest=1)
    stock.initialize(X=X, Y=get_current_ops().alloc2f(3, LABELS))
    rng = np.random.default_rng(0)
    for node, name in parameters_of(stock):
        shape = node.get_param(name).shape
        node.set_param(name, node.ops.asarray(rng.normal(size=shape).astype("f") * 0.7))
    ours = span_categorizer(given_rows(), reducer(), scorer(), max_batch_rows=max_batch_rows)
    return stock, ours.from_bytes(stock.to_bytes())


def parameters_of(model):
    return [(node, name) for node in model.walk() for name in node.param_names]


def check_parity(stock, ours, batch):
    """Same values and same gradients."""
    ops = get_current_ops()
    expected, backprop_stock = stock.begin_update(batch)
    found, backprop = ours.begin_update(batch)
    np.testing.assert_allclose(ops.to_numpy(found), ops.to_numpy(expected), atol=1e-5)
    np.testing.assert_allclose(
        ops.to_numpy(ours.predict(batch)), ops.to_numpy(stock.predict(batch)), atol=1e-5
    )
    dY = np.random.default_rng(1).normal(size=expected.shape).astype("f")
    d_expected, _ = backprop_stock(ops.asarray(dY))
    d_found, _ = backprop(ops.asarray(dY))
    assert len(d_found) == len(d_expected)
    for array, wanted in zip(d_found, d_expected, strict=True):
        np.testing.assert_allclose(ops.to_numpy(array), ops.to_numpy(wanted), atol=1e-4)
    for (node, name), (other, _) in zip(parameters_of(ours), parameters_of(stock), strict=True):
        assert node.has_grad(name), name
        np.testing.assert_allclose(
            ops.to_numpy(node.get_grad(name)), ops.to_numpy(other.get_grad(name)), atol=1e-4
        )


@pytest.mark.parametrize("max_batch_rows", [1, 7, 10_000])
@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("reducer", REDUCERS)
def test_scores_and_gradients_are_those_of_the_stock_model(reducer, scorer, max_batch_rows):
    models = make_models(REDUCERS[reducer], SCORERS[scorer], max_batch_rows)
    X = make_rows(7, 0, 2, 12), all_spans(7, 0, 2, 12, longest=9)
    check_parity(*models, X)


@st.composite
def batches(draw):
    lengths = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    spans = []
    for length in lengths:
        bounds = st.tuples(st.integers(0, length), st.integers(0, length))
        spans.append([(a, b) for a, b in draw(st.lists(bounds, max_size=12)) if a < b])
    if not any(spans):
        lengths[0] = 1
        spans[0] = [(0, 1)]
    return make_rows(*lengths), make_spans(*spans)


@given(batch=batches(), max_batch_rows=st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_any_spans_in_any_order_and_number(batch, max_batch_rows):
    check_parity(*make_models(max_batch_rows=max_batch_rows), batch)


@pytest.mark.gpu
def test_scores_and_gradients_on_a_gpu():
    pytest.importorskip("cupy")
    spacy.require_gpu()
    try:
        stock, ours = make_models()
        X = make_rows(7, 0, 12), all_spans(7, 0, 12, longest=4)
        check_parity(stock, ours, X)
        ours = make_linear(Dropout)
        check_adjoint(ours)
    finally:
        spacy.require_cpu()


def test_the_reducer_never_takes_more_than_it_should():
    seen = []

    def forward(model, rows, is_train):
        seen.append((rows.dataXd.shape[0], len(rows.lengths)))
        return model.layers[0](rows, is_train)

    def counted():
        return Model("counted", forward, layers=[reduce_mean()])

    _, ours = make_models(counted, max_batch_rows=6)
    X = make_rows(40), make_spans([(0, 2), (3, 7), (0, 9), (1, 2), (4, 40), (8, 9)])
    seen.clear()
    scores, backprop = ours.begin_update(X)
    assert len(scores) == 6
    assert all(rows <= 6 or spans == 1 for rows, spans in seen)
    assert sum(rows for rows, _ in seen) == 2 + 4 + 9 + 1 + 36 + 1
    parts = list(seen)
    backprop(scores)
    assert seen == 2 * parts
    # Spans that fit are not recomputed.
    seen.clear()
    scores, backprop = ours.begin_update((X[0], make_spans([(0, 2), (3, 7)])))
    backprop(scores)
    assert seen == [(6, 2)]


def peak_memory(model, batch):
    """Peak memory of NumPy's arrays in one prediction and in one update, in MiB."""
    peaks = []
    for step in (model.predict, lambda batch: update(model, batch)):
        gc.collect()
        tracemalloc.start()
        step(batch)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    return peaks


def update(model, batch):
    scores, backprop = model.begin_update(batch)
    backprop(scores)


@pytest.mark.slow
def test_ten_thousand_candidates_take_less_than_half_of_the_memory():
    rng = np.random.default_rng(0)
    batch = [rng.normal(size=(1000, 128)).astype("f")], all_spans(1000, longest=10)
    reducer = build_mean_max_reducer(16)
    stock = build_spancat_model(given_rows(), reducer, build_linear_logistic())
    stock.initialize(X=batch, Y=np.zeros((len(batch[1].data), LABELS), dtype="f"))
    ours = span_categorizer(given_rows(), reducer, stock.get_ref("scorer"), max_batch_rows=4096)
    update(stock, batch)  # the gradients of the weights are allocated now
    for found, expected in zip(peak_memory(ours, batch), peak_memory(stock, batch), strict=True):
        assert expected > 60
        assert found < 0.3 * expected


DROPOUTS = {
    "of thinc": Dropout,
    "fixed": lambda: fixed_dropout(0.5),
    "of PyTorch": lambda: PyTorchWrapper(torch.nn.Dropout(0.5)),
}


def make_linear(dropout):
    """A model that is linear in its rows for a fixed dropout mask."""
    model = span_categorizer(
        given_rows(),
        chain(with_array(dropout()), reduce_mean(), dropout()),
        Linear(LABELS, WIDTH),
        max_batch_rows=5,
    )
    model.initialize(X=(make_rows(3), all_spans(3, longest=1)))
    weights = np.random.default_rng(0).normal(size=(LABELS, WIDTH)).astype("f")
    model.get_ref("scorer").set_param("W", model.ops.asarray(weights))
    return set_dropout_rate(model, 0.5)


def check_adjoint(model):
    """For a linear `Y = A X`, `dY · Y = dX · X` if backward has the `A` of forward."""
    ops = get_current_ops()
    X = make_rows(8, 0, 5)
    spans = all_spans(8, 0, 5, longest=4)
    Y, backprop = model.begin_update((X, spans))
    assert not np.allclose(ops.to_numpy(Y), ops.to_numpy(model.predict((X, spans))))
    ops.xp.random.uniform(size=9)
    torch.rand(9)
    dY = np.random.default_rng(1).normal(size=Y.shape).astype("f")
    dX, _ = backprop(ops.asarray(dY))
    forward = (dY * ops.to_numpy(Y)).sum()
    backward = sum((ops.to_numpy(d) * x).sum() for d, x in zip(dX, X, strict=True))
    np.testing.assert_allclose(backward, forward, rtol=1e-4)


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_the_backward_pass_drops_what_the_forward_pass_dropped(dropout):
    fix_random_seed(0)
    check_adjoint(make_linear(DROPOUTS[dropout]))


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_dropout_follows_from_the_seed_and_differs_in_each_update(dropout):
    X = make_rows(8), all_spans(8, longest=4)
    model = make_linear(DROPOUTS[dropout])

    def two_updates():
        fix_random_seed(7)
        return [model.begin_update(X)[0] for _ in range(2)]

    first, second = two_updates()
    np.testing.assert_array_equal([first, second], two_updates())
    assert not np.allclose(first, second)


def test_passes_do_not_advance_the_global_random_state():
    def states():
        state = np.random.get_state()  # noqa: NPY002 (the one that thinc draws from)
        return [*state[1:3], torch.get_rng_state().numpy()]

    X = make_rows(8), all_spans(8, longest=4)
    model = make_linear(Dropout)
    before = states()
    model.predict(X)
    for state, expected in zip(states(), before, strict=True):
        np.testing.assert_array_equal(state, expected)
    Y, backprop = model.begin_update(X)
    before = states()
    backprop(Y)
    for state, expected in zip(states(), before, strict=True):
        np.testing.assert_array_equal(state, expected)


@pytest.mark.parametrize("lengths", [(3, 0), (0,), ()])
def test_no_spans_are_no_scores_and_no_gradient(lengths):
    _, model = make_models()
    X = make_rows(*lengths) or [np.zeros((0, WIDTH), dtype="f")]
    Y, backprop = model.begin_update((X, make_spans(*([] for _ in X))))
    assert Y.shape == (0, LABELS)
    dX, _ = backprop(Y)
    assert list(map(len, dX)) == list(map(len, X))
    assert not any(d.any() for d in dX)


@pytest.mark.parametrize("span", [(2, 5), (-1, 2), (3, 2), (3, 3)])
def test_spans_outside_their_document_are_refused(span):
    _, model = make_models()
    with pytest.raises(ValueError, match=f"E420.*{span[0]}:{span[1]}.*4 tokens"):
        model.predict((make_rows(3, 4, 3), make_spans([(0, 3)], [(0, 4), span], [(0, 1)])))


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match=r"E413.*'max_batch_rows'"):
        make_models(max_batch_rows=0)


def test_a_copy_is_independent():
    stock, ours = make_models()
    copy = ours.copy()
    for node, name in parameters_of(ours):
        node.set_param(name, node.get_param(name) * 0)
    check_parity(stock, copy, (make_rows(7), all_spans(7, longest=4)))


def test_the_stock_model_loads_what_ours_has_learned():
    stock, ours = make_models()
    other, _ = make_models()
    for node, name in parameters_of(other):
        node.set_param(name, node.get_param(name) * 0)
    other.from_bytes(ours.to_bytes())
    X = make_rows(7), all_spans(7, longest=4)
    np.testing.assert_array_equal(other.predict(X), stock.predict(X))

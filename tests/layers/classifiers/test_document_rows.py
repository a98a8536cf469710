import numpy as np
import pytest
from thinc.types import Ragged

from spacy_deberta.layers import TransformerData
from spacy_deberta.layers.classifiers.document_rows import document_rows
from tests.layers.rows import WIDTH, batch, document_data, padded_windows


def make_layer(*, cls_only, grad_factor=1.0):
    return document_rows(cls_only=cls_only, grad_factor=grad_factor).initialize(X=batch())


def state(data):
    return data.model_output.last_hidden_state


def test_cls_is_the_first_row():
    docs = batch()
    rows = make_layer(cls_only=True).predict(docs)
    assert rows.lengths.tolist() == [1, 0, 1, 1]
    expected = [state(docs[i])[0, 0] for i in (0, 2, 3)]
    np.testing.assert_array_equal(rows.dataXd, expected)


def test_pieces_are_without_special_tokens_and_the_row_of_zeros():
    docs = batch()
    rows = make_layer(cls_only=False).predict(docs)
    assert rows.lengths.tolist() == [3, 0, 0, 4]
    expected = np.concatenate([state(docs[0])[0, 1:4], state(docs[3])[0, 1:5]])
    np.testing.assert_array_equal(rows.dataXd, expected)


def test_pieces_of_all_windows_are_selected():
    data = padded_windows(4, 2)
    rows = make_layer(cls_only=False).predict([data])
    expected = np.concatenate([state(data)[0, 1:5], state(data)[1, 1:3]])
    np.testing.assert_array_equal(rows.dataXd, expected)
    np.testing.assert_array_equal(
        make_layer(cls_only=True).predict([data]).dataXd[0], state(data)[0, 0]
    )


@pytest.mark.parametrize("cls_only", [True, False])
def test_gradients_go_back_to_the_rows_that_were_selected(cls_only):
    docs = [*batch(), padded_windows(2, 1)]
    rows, backprop = make_layer(cls_only=cls_only, grad_factor=0.5).begin_update(docs)
    gradient = np.random.default_rng(0).normal(size=rows.dataXd.shape).astype("f")
    found = backprop(Ragged(gradient, rows.lengths))
    # One for each document with rows, as the component expects.
    encoded = [doc for doc in docs if "last_hidden_state" in doc.model_output]
    assert [state(f).shape for f in found] == [state(e).shape for e in encoded]
    assert all(list(f.model_output) == ["last_hidden_state"] for f in found)
    # The selection is linear: <selected(X), d> = <X, backprop(d)>, halved by grad_factor.
    left = (rows.dataXd * gradient).sum()
    right = sum((state(e) * state(f)).sum() for e, f in zip(encoded, found, strict=True))
    assert right == pytest.approx(0.5 * left, abs=1e-5)
    assert sum(np.count_nonzero(state(f)) for f in found) == gradient.size


def test_a_batch_without_any_rows():
    layer = make_layer(cls_only=False)
    for docs in ([], [TransformerData.empty()], [TransformerData.zeros(0, WIDTH)]):
        rows, backprop = layer.begin_update(docs)
        assert rows.dataXd.shape == (0, WIDTH)
        assert rows.lengths.tolist() == [0] * len(docs)
        encoded = sum("last_hidden_state" in doc.model_output for doc in docs)
        assert len(backprop(rows)) == encoded


def test_rows_of_tokens_are_refused():
    with pytest.raises(ValueError, match=r"E416.*DocumentListener"):
        make_layer(cls_only=True).predict([np.zeros((2, WIDTH), dtype="f")])
    with pytest.raises(ValueError, match="E416"):
        document_rows(cls_only=True, grad_factor=1.0).initialize(X=[np.zeros((2, 3))])


def test_the_width_is_that_of_the_encoder():
    layer = document_rows(cls_only=True, grad_factor=1.0)
    layer.initialize(X=[TransformerData.empty(), document_data(2)])
    assert layer.get_dim("nO") == WIDTH

"""Pooling by token, against spacy-transformers' own layer."""

import numpy as np
import pytest
from thinc.api import reduce_first, reduce_max, reduce_mean, reduce_sum
from thinc.types import Ragged

from spacy_deberta.layers import TransformerData
from spacy_deberta.layers.listening.token_rows import token_rows
from tests.layers.rows import WIDTH, batch, document_data, padded_windows


def aligned(data, *tokens):
    """The document with other rows for its tokens."""
    rows = [row for token in tokens for row in token]
    data.align = Ragged(
        np.array(rows, dtype="i"), np.array([len(token) for token in tokens], dtype="i")
    )
    return data


BATCHES = {
    "all kinds": batch,
    "tokens that share pieces": lambda: [
        aligned(document_data(4), [1, 2], [2], [2, 3, 4]),
        aligned(document_data(2), [1], [1, 2]),
    ],
    "windows": lambda: [aligned(padded_windows(3, 5), [1, 8], [2], [9, 10]), document_data(2)],
    "no piece at all": lambda: [aligned(document_data(2), [], [], []), document_data(3)],
    "one document": lambda: [document_data(3)],
    "a token without pieces": lambda: [aligned(document_data(3), [1], [], [2, 3])],
}
# Reductions that reject tokens without pieces.
STRICT = ("reduce_first", "reduce_max")


@pytest.mark.stock
@pytest.mark.parametrize("pooling", [reduce_mean, reduce_sum, reduce_first, reduce_max])
@pytest.mark.parametrize("name", BATCHES)
def test_values_and_gradients_are_those_of_the_stock_layer(name, pooling):
    from spacy_transformers.layers import trfs2arrays

    if name == "a token without pieces" and pooling().name in STRICT:
        pytest.skip("no layer pools nothing by these")
    ours, stock = token_rows(pooling(), 0.5), trfs2arrays(pooling(), 0.5)
    X = BATCHES[name]()
    Y, backprop = ours.begin_update(X)
    expected, expected_backprop = stock.begin_update(X)
    rng = np.random.default_rng(3)
    dY = [rng.normal(size=rows.shape).astype("f") for rows in Y]
    for rows, expected_rows in zip(Y, expected, strict=True):
        assert rows.shape == expected_rows.shape or not len(expected_rows)
        np.testing.assert_array_equal(rows, expected_rows.reshape(rows.shape))
    dX = backprop([array.copy() for array in dY])
    expected_dX = expected_backprop([array.copy() for array in dY])
    for gradient, other in zip(dX, expected_dX, strict=True):
        one, two = gradient.model_output.last_hidden_state, other.model_output.last_hidden_state
        assert one.shape == two.shape
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)


def test_the_mean_of_pieces_by_hand():
    data = aligned(document_data(4), [1, 2], [4])
    (Y,), backprop = token_rows(reduce_mean(), 2.0).begin_update([data])
    rows = data.model_output.last_hidden_state[0]
    np.testing.assert_allclose(Y, [(rows[1] + rows[2]) / 2, rows[4]], rtol=1e-6)
    ((gradient,),) = ([d.model_output.last_hidden_state[0] for d in backprop([np.ones_like(Y)])],)
    assert gradient[:, 0].tolist() == [0.0, 1.0, 1.0, 0.0, 2.0, 0.0]


def test_documents_without_tokens_have_the_width_of_the_others():
    Y = token_rows(reduce_mean(), 1.0).predict([TransformerData.empty(), document_data(3)])
    assert [rows.shape for rows in Y] == [(0, WIDTH), (3, WIDTH)]
    layer = token_rows(reduce_mean(), 1.0)
    Y, backprop = layer.begin_update([TransformerData.zeros(0, WIDTH), TransformerData.empty()])
    assert [rows.shape for rows in Y] == [(0, WIDTH)] * 2
    assert backprop(Y) == []


def test_values_that_are_not_encoder_outputs():
    with pytest.raises(ValueError, match=r"E451.*ndarray"):
        token_rows(reduce_mean(), 1.0).predict([np.zeros((2, 3))])

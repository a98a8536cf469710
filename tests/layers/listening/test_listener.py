import copy
import pickle

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from thinc.api import Model, reduce_mean

from spacy_deberta.layers import TransformerListener, transformer_listener
from spacy_deberta.pipeline.transformer.component import install_extension
from tests.layers.rows import document_data

WORDS = ["Mira", "left", "Rotterdam", "on", "Friday", "—", "世界", " "]


@pytest.fixture
def docs():
    install_extension()
    vocab = spacy.blank("en").vocab
    return [Doc(vocab, words=WORDS * 40), Doc(vocab), Doc(vocab, words=["Mira"])]


def test_the_batch_id_is_the_exact_sum(docs):
    expected = sum(token.orth for doc in docs for token in doc)
    assert expected > 2**64
    assert TransformerListener.get_batch_id(docs) == expected
    assert TransformerListener.get_batch_id([]) == 0


@pytest.mark.stock
def test_the_batch_id_is_that_of_the_stock_pipe(docs):
    from spacy_transformers.layers import TransformerListener as StockListener

    assert TransformerListener.get_batch_id(docs) == StockListener.get_batch_id(docs)


def test_other_documents_than_those_of_the_encoder_are_an_error(docs):
    listener = TransformerListener("*")
    listener.receive(listener.get_batch_id(docs), [], lambda gradients: [])
    with pytest.raises(ValueError, match="E450"):
        listener.begin_update(docs[:1])


def test_rows_that_are_missing_are_zeros_or_an_error(docs):
    listener = TransformerListener("*")
    listener.set_dim("nO", 7)
    assert [data.tensors[0].shape for data in listener.predict(docs)] == [
        (1, len(doc), 7) for doc in docs
    ]
    with pytest.raises(ValueError, match="E203"):
        listener.begin_update(docs)


def test_the_gradient_goes_back_once(docs):
    listener = TransformerListener("*")
    sent = []
    listener.receive(listener.get_batch_id(docs), ["rows"], sent.append)
    rows, backprop = listener.begin_update(docs)
    assert rows == ["rows"]
    backprop("gradient")
    backprop("again")
    assert sent == ["gradient"]


def all_copies(model):
    yield copy.deepcopy(model)
    yield pickle.loads(pickle.dumps(model))


@pytest.mark.stock
def test_a_listener_passes_for_the_stock_one_and_is_copied():
    from spacy_transformers.layers import TransformerListener as StockListener

    model = transformer_listener(reduce_mean(), 1.0, "enc")
    for other in all_copies(model):
        listener = other.get_ref("listener")
        assert type(listener) is TransformerListener
        assert isinstance(listener, StockListener)
        assert isinstance(listener, Model)
        assert listener.upstream_name == "enc"
    assert not isinstance(StockListener("*"), TransformerListener)


@pytest.mark.stock
def test_the_saved_model_is_that_of_the_stock_architecture():
    from spacy_transformers.architectures import transformer_listener_tok2vec_v1

    ours = transformer_listener(reduce_mean(), 0.5, "*")
    stock = transformer_listener_tok2vec_v1(reduce_mean(), 1.0, "*")
    assert [node.name for node in ours.walk()] == [node.name for node in stock.walk()]
    ours.get_ref("listener").set_dim("nO", 5)
    stock.from_bytes(ours.to_bytes())
    assert stock.get_ref("listener").get_dim("nO") == 5
    assert stock.layers[1].attrs["grad_factor"] == 0.5
    transformer_listener(reduce_mean(), 1.0, "*").from_bytes(stock.to_bytes())


def test_a_component_pools_what_the_encoder_has_written(docs):
    for doc in docs:
        doc._.trf_data = document_data(len(doc))
    model = transformer_listener(reduce_mean(), 1.0, "*")
    for doc, rows in zip(docs, model.predict(docs), strict=True):
        np.testing.assert_array_equal(
            rows, doc._.trf_data.model_output.last_hidden_state[0][: len(doc)]
        )

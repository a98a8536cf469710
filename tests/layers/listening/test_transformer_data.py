"""The data classes are equivalent to spacy-transformers', in memory and on disk."""

import copy
import pickle

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_deberta.layers import FullTransformerBatch, TransformerData
from spacy_deberta.layers.listening.serialization import (
    KEY,
    decode_transformer_data,
    encode_transformer_data,
)
from spacy_deberta.layers.listening.transformer_data import (
    EmptyOutput,
    ModelOutput,
    WordpieceBatch,
    is_transformer_data,
)
from spacy_deberta.pipeline.transformer.component import install_extension
from tests.layers.rows import document_data


def named(encoder="enc"):
    data = document_data(3, has_empty_row=True)
    data.encoder, data.replaces_others = encoder, True
    return data


def assert_same(one, other):
    assert one.wordpieces.strings == other.wordpieces.strings
    assert one.wordpieces.lengths == other.wordpieces.lengths
    for name in ("input_ids", "attention_mask"):
        np.testing.assert_array_equal(
            getattr(one.wordpieces, name), getattr(other.wordpieces, name)
        )
    np.testing.assert_array_equal(one.tensors[0], other.tensors[0])
    np.testing.assert_array_equal(one.align.dataXd, other.align.dataXd)
    np.testing.assert_array_equal(one.align.lengths, other.align.lengths)


def test_outputs_are_read_by_name_by_attribute_and_by_place():
    output = ModelOutput(last_hidden_state=1, hidden_states=None, pooled=2)
    assert output["pooled"] == output.pooled == output[1] == 2
    assert output[:2] == output.to_tuple() == (1, 2)
    with pytest.raises(AttributeError, match="missing"):
        _ = output.missing
    output.pooled = 3
    assert output["pooled"] == 3
    assert "last_hidden_state" in output
    assert "last_hidden_state" not in EmptyOutput(output)
    assert EmptyOutput(output).last_hidden_state == 1


def copies(data):
    yield copy.deepcopy(data)
    yield copy.copy(data)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(data, protocol=protocol))
    yield TransformerData.empty().from_bytes(data.to_bytes())


def test_copies_are_equal_and_of_our_class():
    data = named()
    for other in copies(data):
        assert type(other) is TransformerData
        assert_same(data, other)
        assert (other.encoder, other.replaces_others) == ("enc", True)


@pytest.mark.stock
def test_copies_are_equal_where_the_stock_package_is_loaded():
    import spacy_transformers.data_classes as stock

    test_copies_are_equal_and_of_our_class()
    # Created before or after the import, or from bytes: it is an instance of the stock class.
    assert all(isinstance(data, stock.TransformerData) for data in copies(named()))
    assert isinstance(FullTransformerBatch((), []), stock.FullTransformerBatch)
    assert not isinstance(stock.TransformerData.empty(), TransformerData)
    assert is_transformer_data(stock.TransformerData.empty())


@pytest.mark.stock
def test_attributes_are_those_of_the_stock_classes():
    import spacy_transformers.data_classes as stock

    pairs = (
        (TransformerData.zeros(2, 4), stock.TransformerData.zeros(2, 4)),
        (WordpieceBatch.zeros([2]), stock.WordpieceBatch.zeros([2])),
        (FullTransformerBatch((), []), stock.FullTransformerBatch.empty(0)),
    )
    # Its first constructor reads an encoding of transformers; ours come from a model.
    makers = {"from_batch_encoding", "empty", "split_by_doc", "cached_doc_data"}
    for ours, theirs in pairs:
        wanted = {name for name in dir(theirs) if not name.startswith("_")}
        assert wanted - makers <= set(dir(ours))


def doc_bin(*data):
    """Documents with these outputs, through a `DocBin` as bytes, as spaCy reads it back."""
    install_extension()
    vocab = spacy.blank("en").vocab
    docs = []
    for output in data:
        doc = Doc(vocab, words=["Mira", "left", "."])
        doc._.trf_data = output
        docs.append(doc)
    packed = DocBin(store_user_data=True, docs=docs).to_bytes()
    return [doc._.trf_data for doc in DocBin().from_bytes(packed).get_docs(vocab)]


def test_a_doc_bin_keeps_it():
    # By any decoder: that of spacy-transformers, if it is loaded, does not support `encoder`.
    for data, original in zip(doc_bin(named()), [named()], strict=True):
        data.wordpieces.strings = [list(strings) for strings in data.wordpieces.strings]
        data.wordpieces.lengths = list(data.wordpieces.lengths)
        assert_same(data, original)


def test_our_decoder_keeps_all():
    encoded = encode_transformer_data(named())
    pieces = encoded[KEY]["wordpieces"]
    # spaCy reads lists as tuples.
    pieces["strings"] = tuple(tuple(strings) for strings in pieces["strings"])
    data = decode_transformer_data(encoded)
    assert_same(data, named())
    assert (data.encoder, data.replaces_others) == ("enc", True)
    zeros = decode_transformer_data(encode_transformer_data(TransformerData.zeros(0, 5)))
    assert "last_hidden_state" not in zeros.model_output
    assert zeros.width == 5
    assert decode_transformer_data({"other": 1}) == {"other": 1}


@pytest.mark.stock
def test_a_doc_bin_keeps_that_of_the_stock_package():
    import spacy_transformers.data_classes as stock

    original = named()
    theirs = stock.TransformerData(
        wordpieces=stock.WordpieceBatch(**original.wordpieces.to_dict()),
        model_output=stock.ModelOutput(original.model_output),
        align=original.align,
    )
    for data in doc_bin(theirs, original):
        assert is_transformer_data(data)
        np.testing.assert_array_equal(data.tensors[0], original.tensors[0])
        assert [list(strings) for strings in data.wordpieces.strings] == [["x"] * 6]

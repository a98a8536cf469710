"""Ids and pieces back to text."""

import numpy as np
import pytest

from tests.tokenization.texts import PROBES


@pytest.mark.parametrize("skip", [False, True])
def test_decode(small, slow_small, strange_texts, skip):
    for text in strange_texts[:500]:
        ids = small(text, "ba [SEP]", special_tokens_in_text=True)["input_ids"]
        ids.insert(2, small.mask_token_id)
        ours = small.decode(ids, skip_special_tokens=skip)
        assert ours == slow_small.decode(ids, skip_special_tokens=skip)


@pytest.mark.parametrize("text", PROBES)
def test_tokens_to_string(small, slow_small, text):
    tokens = ["[CLS]", "[MASK]", *small.tokenize(text), "[SEP]"]
    assert small.convert_tokens_to_string(tokens) == slow_small.convert_tokens_to_string(tokens)


def test_added_tokens(small_vocabulary):
    transformers = pytest.importorskip("transformers")
    from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer

    slow = transformers.DebertaV2Tokenizer(str(small_vocabulary))
    slow.add_tokens(["<a>"])
    slow.add_special_tokens({"additional_special_tokens": ["<b>"]})
    added = ["<a>", AddedToken(content="<b>", special=True)]
    ours = DebertaV2Tokenizer(small_vocabulary, added_tokens=added)
    ids = ours("ba<a> do <b>be", special_tokens_in_text=True)["input_ids"]
    assert ids == slow("ba<a> do <b>be")["input_ids"]
    assert ours.decode(ids) == slow.decode(ids)
    assert ours.decode(ids, skip_special_tokens=True) == slow.decode(ids, skip_special_tokens=True)


def test_ids_and_tokens(small, slow_small):
    ids = list(range(len(small)))
    tokens = small.convert_ids_to_tokens(ids)
    assert tokens == slow_small.convert_ids_to_tokens(ids)
    assert small.convert_tokens_to_ids(tokens) == ids
    assert small.convert_tokens_to_ids("no such piece") == small.unk_token_id
    assert small.convert_tokens_to_ids("\ud800") == small.unk_token_id
    assert small.convert_ids_to_tokens(np.int64(1)) == "[CLS]"
    assert small.convert_ids_to_tokens([0, 7], skip_special_tokens=True) == ["<0x03>"]


def test_ids_without_a_token(small):
    assert small.convert_ids_to_tokens(100_000) == "[UNK]"
    with pytest.raises(ValueError, match="E217"):
        small.convert_ids_to_tokens(-1)


def test_decode_a_single_id(small, slow_small):
    assert small.decode(300) == slow_small.decode(300)
    assert small.decode([]) == slow_small.decode([]) == ""

"""Words given one by one, as `is_split_into_words` of Hugging Face."""

import numpy as np
import pytest

from spacy_deberta.tokenization import DebertaV2TokenizerFast

JAPANESE = "京都大学で自然言語処理を専攻する。ＡＩは①番🦣です。"
ODD = [
    ["Hello", " ", "world", "\n\n", "do", "n't", "½", "\xa0", "", "\u3000"],
    ["a b", " x", "x ", "\t", "e\u0301", "ﬁne", "🦣🦤", "…", "漢", "ß"],
    [" "],
    list(JAPANESE),
]


@pytest.fixture(scope="module")
def real_words(real_docs):
    """Tokens of UD-EWT, and the characters of German and Japanese texts."""
    english = [[token.text for token in doc] for doc in real_docs("ewt")[:400]]
    german = [list(doc.text) for doc in real_docs("xquad_de")[:15]]
    return [*english, *german, *ODD]


def test_ids_are_those_of_the_slow_tokenizer(v3, slow_v3, real_words):
    expected = [slow_v3(words, is_split_into_words=True)["input_ids"] for words in real_words]
    assert v3(real_words, is_split_into_words=True)["input_ids"] == expected
    assert v3(real_words[0], is_split_into_words=True)["input_ids"] == expected[0]


def test_ids_are_those_of_the_fast_tokenizer(tokenizer, theirs, real_words):
    expected = theirs(real_words, is_split_into_words=True)
    assert tokenizer(real_words, is_split_into_words=True)["input_ids"] == expected["input_ids"]
    _, counts = tokenizer.encode_words(real_words)
    owners = [expected.word_ids(i) for i in range(len(real_words))]
    texts = zip(real_words, owners, strict=True)
    found = [owner.count(i) for words, owner in texts for i in range(len(words))]
    assert counts.tolist() == found


def test_the_fast_class_has_the_ids_of_the_slow_tokenizer(v3_vocabulary, slow_v3):
    fast = DebertaV2TokenizerFast(v3_vocabulary)
    expected = slow_v3(ODD, is_split_into_words=True)["input_ids"]
    assert fast(ODD, is_split_into_words=True)["input_ids"] == expected


def test_pairs(v3, slow_v3):
    first, second = [["Who", "left"], ["猫", "が"]], [["Mira", "left", "."], [""]]
    settings = {"is_split_into_words": True, "padding": True, "truncation": True, "max_length": 6}
    expected = slow_v3(first, second, **settings)
    found = v3(first, second, **settings)
    assert found == {key: expected[key] for key in found}


NO_WORDS = ["a text", ["a", "text"], [["a"], "text"], [["a"], [5]], [[b"a"]], [[None]]]


@pytest.mark.parametrize("texts", NO_WORDS)
def test_no_words(small, texts):
    with pytest.raises(ValueError, match="E205"):
        small.encode_words(texts)


def test_no_words_at_all(small):
    pieces, counts = small.encode_words([[], ["a"], []])
    assert np.diff(pieces.cu_pieces).tolist() == [0, *counts, 0]
    assert small([], is_split_into_words=True)["input_ids"] == small("")["input_ids"]

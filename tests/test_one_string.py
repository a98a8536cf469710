"""A string instead of a list of texts, tokens or names is not split into characters."""

import pytest

from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.pretraining import measure_vocabulary, train_tokenizer
from spacy_deberta.pretraining.corpus.encoded_corpus import encode_corpus
from spacy_deberta.pretraining.corpus.readers import document_texts
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary

TEXT = "Mira Okafor left Halden Freight on Friday."


def test_one_text_is_no_corpus(tiny_tokenizer, tmp_path):
    with pytest.raises(ValueError, match="E205.*single string"):
        train_vocabulary(TEXT, tmp_path / "spm.model", vocab_size=300)
    with pytest.raises(ValueError, match="E205.*single string"):
        train_tokenizer(TEXT, tmp_path / "tokenizer", vocab_size=300)
    with pytest.raises(ValueError, match="E205.*single string"):
        measure_vocabulary(tiny_tokenizer, TEXT)
    with pytest.raises(ValueError, match="E205.*single string"):
        encode_corpus(TEXT, tiny_tokenizer, tmp_path / "corpus")
    with pytest.raises(ValueError, match="E708.*single string"):
        list(document_texts(lambda nlp: TEXT, None))
    assert not list(tmp_path.iterdir())


def test_one_token_is_no_list_of_tokens(tiny_vocabulary, tiny_tokenizer):
    with pytest.raises(ValueError, match="E624.*'added_tokens'.*remdesivir"):
        DebertaV2Tokenizer(tiny_vocabulary, added_tokens="remdesivir")
    with pytest.raises(ValueError, match="E624.*'special_tokens_in_text'"):
        tiny_tokenizer.encode_batch([TEXT], special_tokens_in_text="[MASK]")


def test_one_label_is_no_list_of_labels():
    with pytest.raises(ValueError, match="E624.*'labels'.*travel"):
        DebertaV2Config().with_labels("travel, food")

"""The measurements of a vocabulary, compared with SentencePiece and manual counts."""

import pytest
import sentencepiece

from spacy_deberta.pretraining import measure_vocabulary
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.tokenization.texts import english


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "spm.model"
    return train_vocabulary(english(1000), path, vocab_size=500)


def test_numbers_are_those_of_whole_texts(vocabulary):
    texts = [*english(300)[200:], "a 漢字 b", "naïve ½ 🐈🐈", "x  y\tz"]
    model = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    ids = [i for text in texts for i in model.Encode(text)]
    words = [word for text in texts for word in text.split()]
    report = measure_vocabulary(DebertaV2Tokenizer(vocabulary), texts)
    assert report.vocab_size == 500
    assert report.words == len(words)
    assert report.characters == sum(map(len, words))
    assert report.pieces_per_word == pytest.approx(len(ids) / len(words))
    assert report.bytes == pytest.approx(sum(map(model.IsByte, ids)) / len(ids))
    assert report.unknown == 0
    whole = sum(len(model.Encode(word)) == 1 for word in words)
    assert 0 < whole < len(words)
    assert report.whole_words == pytest.approx(whole / len(words))


def test_a_character_of_many_bytes_counts_once(vocabulary):
    texts = ["🐈 🐈🐈 a漢"]
    report = measure_vocabulary(DebertaV2Tokenizer(vocabulary), texts)
    assert report.covered == pytest.approx(1 / 5)
    assert report.without_piece == ("🐈", "漢")
    # Four bytes for each cat, three for the other; beside the spaces and the a.
    model = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    assert report.bytes == pytest.approx(15 / len(model.Encode(texts[0])))


def test_without_bytes_characters_are_unknown(tmp_path):
    path = train_vocabulary(
        english(1000), tmp_path / "spm.model", vocab_size=200, byte_fallback=False
    )
    report = measure_vocabulary(DebertaV2Tokenizer(path), ["ba漢字 ba"])
    assert report.bytes == 0
    assert report.covered == pytest.approx(4 / 6)
    assert set(report.without_piece) == {"漢", "字"}
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    ids = model.Encode("ba漢字 ba")
    assert report.unknown == pytest.approx(ids.count(3) / len(ids))


def test_the_words_with_the_most_pieces(vocabulary):
    words = ["nnnn", "aaa", "nnnnnnn", "a-very-long-word-with-hyphens", "zzz12345678901"]
    tokenizer = DebertaV2Tokenizer(vocabulary)
    found = measure_vocabulary(tokenizer, [" ".join(words)]).most_pieces
    expected = sorted(
        (word for word in words if word.isalpha()), key=lambda word: -len(tokenizer.tokenize(word))
    )
    assert [split.word for split in found] == expected
    assert all(list(split.pieces) == tokenizer.tokenize(split.word) for split in found)


def test_lowercase_is_that_of_the_tokenizer(vocabulary):
    lower = DebertaV2Tokenizer(vocabulary, do_lower_case=True)
    texts = english(20)
    upper = measure_vocabulary(lower, [text.upper() for text in texts])
    assert upper.pieces_per_word == measure_vocabulary(lower, texts).pieces_per_word


def test_plain_values(vocabulary):
    report = measure_vocabulary(DebertaV2Tokenizer(vocabulary), ["nnnn 🐈"])
    values = report.to_dict()
    assert values["most_pieces"][0]["word"] == "nnnn"
    assert values["covered"] == report.covered == 4 / 5


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_no_words(texts, vocabulary):
    with pytest.raises(ValueError, match="E741"):
        measure_vocabulary(DebertaV2Tokenizer(vocabulary), texts)

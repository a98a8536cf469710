"""Training of vocabularies."""

import sys

import pytest
import sentencepiece

from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.tokenization.texts import english


def test_layout(small_vocabulary):
    model = sentencepiece.SentencePieceProcessor(model_file=str(small_vocabulary))
    assert model.GetPieceSize() == 500
    assert [model.IdToPiece(i) for i in range(4)] == ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    assert [model.IsControl(i) for i in range(4)] == [True, True, True, False]
    assert model.IsUnknown(3)
    assert [model.IdToPiece(i) for i in (4, 259)] == ["<0x00>", "<0xFF>"]
    assert all(model.IsByte(i) for i in range(4, 260))
    assert model.Normalize(" ½ ﬁ  ") == "▁1⁄2▁fi"


def test_without_bytes(no_bytes_vocabulary):
    tokenizer = DebertaV2Tokenizer(no_bytes_vocabulary)
    assert tokenizer.vocab_size == 200
    assert tokenizer.tokenize("ba漢")[-1] == "[UNK]"


def test_same_texts_same_file(tmp_path, small_vocabulary):
    again = train_vocabulary(iter(english(1000)), tmp_path / "spm.model", vocab_size=500)
    assert again.read_bytes() == small_vocabulary.read_bytes()


def test_sample(tmp_path):
    files = [
        train_vocabulary(
            english(1000), tmp_path / f"{i}.model", vocab_size=320, max_lines=200, seed=seed
        )
        for i, seed in enumerate((1, 1, 2))
    ]
    first, same, other = (file.read_bytes() for file in files)
    assert first == same
    assert first != other


def test_corpus_is_read_once_as_it_comes(tmp_path):
    taken = []

    def texts():
        for text in english(1000):
            taken.append(text)
            yield text

    train_vocabulary(texts(), tmp_path / "spm.model", vocab_size=400)
    assert len(taken) == 1000


def test_lines_of_texts(tmp_path):
    lines = english(500)
    joined = ["\n".join(lines[:250]) + "\n\n", "", "\r\n".join(lines[250:])]
    one = train_vocabulary(lines, tmp_path / "a", vocab_size=400)
    other = train_vocabulary(joined, tmp_path / "b", vocab_size=400)
    assert one.read_bytes() == other.read_bytes()


def test_long_lines_count(tmp_path):
    lines = english(1000)
    short = DebertaV2Tokenizer(train_vocabulary(lines, tmp_path / "a", vocab_size=400))
    joined = [" ".join(lines)]
    long = DebertaV2Tokenizer(train_vocabulary(joined, tmp_path / "b", vocab_size=400))
    pieces = [set(t.convert_ids_to_tokens(range(400))) for t in (short, long)]
    assert len(pieces[0] & pieces[1]) > 390


def test_training_is_quiet(tmp_path, capfd):
    train_vocabulary(english(500), tmp_path / "spm.model", vocab_size=400)
    assert capfd.readouterr() == ("", "")


def test_nothing_but_the_file_is_left(tmp_path):
    path = train_vocabulary(english(500), tmp_path / "new" / "spm.model", vocab_size=400)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("texts", "size", "code"),
    [
        (english(30), 30_000, r"E210.*They are enough for \d+"),
        ([], 300, r"E210.*no line"),
        (["\n", " "], 300, r"E210.*no line"),
        (english(100), 270, r"E219.*270.*alone need \d+"),
    ],
)
def test_corpus_and_size_do_not_fit(tmp_path, texts, size, code):
    with pytest.raises(ValueError, match=code):
        train_vocabulary(texts, tmp_path / "spm.model", vocab_size=size)
    assert not list(tmp_path.iterdir())


def test_error_of_the_corpus_is_passed_on(tmp_path):
    def texts():
        yield from english(10)
        raise LookupError("the corpus is gone")

    with pytest.raises(LookupError, match="the corpus is gone"):
        train_vocabulary(texts(), tmp_path / "spm.model", vocab_size=300)
    assert not list(tmp_path.iterdir())


def test_room_needs_nothing_heavy():
    import subprocess

    code = (
        "import sys, spacy_deberta.tokenization as t;"
        "assert not {'torch', 'spacy', 'thinc', 'transformers'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

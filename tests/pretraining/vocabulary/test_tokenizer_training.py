"""Training of tokenizers: their files, held-out texts, and invalid settings."""

import pytest
import sentencepiece

from spacy_deberta.pretraining import measure_vocabulary, train_tokenizer
from spacy_deberta.pretraining.vocabulary import tokenizer_training
from spacy_deberta.tokenization import DebertaV2Tokenizer, train_vocabulary
from tests.tokenization.texts import PROBES, english


@pytest.fixture(scope="module")
def texts():
    return english(1000)


@pytest.fixture(scope="module")
def training(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer") / "new" / "tokenizer"
    return train_tokenizer(iter(texts), folder, vocab_size=500)


def test_layout_is_that_of_v3(training):
    model = sentencepiece.SentencePieceProcessor(model_file=str(training.folder / "spm.model"))
    assert model.GetPieceSize() == 500
    assert [model.IdToPiece(i) for i in range(4)] == ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    assert [model.IdToPiece(i) for i in (4, 259)] == ["<0x00>", "<0xFF>"]
    assert model.Normalize(" ½ ﬁ  ") == "▁1⁄2▁fi"
    tokenizer = DebertaV2Tokenizer.from_pretrained(training.folder)
    assert tokenizer.mask_token_id == 500
    assert len(tokenizer) == 501


@pytest.mark.parametrize("lowercase", [False, True])
def test_hugging_face_opens_it_and_gives_the_same_ids(lowercase, texts, tmp_path):
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "tokenizer"
    train_tokenizer(texts, folder, vocab_size=500, do_lower_case=lowercase)
    theirs = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    ours = DebertaV2Tokenizer.from_pretrained(folder)
    assert ours.do_lower_case is theirs.do_lower_case is lowercase
    assert (theirs.mask_token_id, theirs.pad_token_id, theirs.cls_token_id) == (500, 0, 1)
    # Texts that spell special tokens are read in two ways, see tests/tokenization.
    for text in [*texts[:50], *(probe for probe in PROBES if "[" not in probe)]:
        assert ours(text)["input_ids"] == theirs(text)["input_ids"]


def test_lowercase_reaches_the_training(texts, tmp_path):
    training = train_tokenizer(texts, tmp_path / "new", vocab_size=500, do_lower_case=True)
    ids = range(260, 500)
    assert all(p == p.lower() for p in training.tokenizer.convert_ids_to_tokens(ids))
    assert training.tokenizer.tokenize(texts[0].upper()) == training.tokenizer.tokenize(texts[0])


def test_every_hundredth_text_is_measured_on_and_not_trained_on(texts, training, tmp_path):
    assert training.held_out
    assert training.sample == tuple(texts[99::100])
    rest = [text for number, text in enumerate(texts, start=1) if number % 100]
    vocabulary = train_vocabulary(rest, tmp_path / "spm.model", vocab_size=500)
    assert vocabulary.read_bytes() == (training.folder / "spm.model").read_bytes()
    assert training.report == measure_vocabulary(training.tokenizer, training.sample)


def test_few_texts_are_measured_on_themselves(texts, tmp_path):
    few = [" \n", *texts[:99]]
    training = train_tokenizer(few, tmp_path / "few", vocab_size=400)
    assert not training.held_out
    assert training.sample == tuple(texts[:99])


@pytest.mark.parametrize("few", [False, True])
def test_samples_have_an_end(few, texts, tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer_training, "SAMPLE_CHARACTERS", 200)
    chosen = texts[:99] if few else texts
    training = train_tokenizer(chosen, tmp_path / "new", vocab_size=400)
    assert training.held_out is not few
    assert 0 < sum(map(len, training.sample)) <= 200


def test_a_sample_of_lines_is_drawn_by_the_seed(texts, tmp_path):
    drawn = [
        train_tokenizer(texts, tmp_path / name, vocab_size=320, max_lines=100, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, again, other = (t.tokenizer.model_proto for t in drawn)
    assert first == again != other


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"vocab_size": 0}, "E740.*vocab_size"),
        ({"vocab_size": 400, "max_lines": 0}, "E740.*max_lines"),
        ({"vocab_size": 400, "character_coverage": 0.97}, "E740.*character_coverage"),
        ({"vocab_size": 400, "character_coverage": 1.01}, "E740.*character_coverage"),
        ({"vocab_size": 400, "character_coverage": float("nan")}, "E740.*character_coverage"),
        ({"vocab_size": 100_000}, "E210"),
        ({"vocab_size": 261}, "E219"),
    ],
)
def test_settings_that_can_not_be(settings, code, texts, tmp_path):
    with pytest.raises(ValueError, match=code):
        train_tokenizer(texts, tmp_path / "new", **settings)
    assert not list(tmp_path.iterdir())


def test_what_is_there_stays(texts, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError, match="E318"):
        train_tokenizer(texts, tmp_path, vocab_size=400)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_texts_that_end_in_an_error_leave_nothing(texts, tmp_path):
    def broken():
        yield from texts
        raise LookupError("the corpus is gone")

    with pytest.raises(LookupError, match="the corpus is gone"):
        train_tokenizer(broken(), tmp_path / "new", vocab_size=400)
    assert not list(tmp_path.iterdir())

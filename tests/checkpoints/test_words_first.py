"""Tokenizers that split texts into words first: one warning for a folder, none with the setting."""

import warnings

import pytest

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.tokenization import DebertaV2Tokenizer, DebertaV2TokenizerFast
from tests.checkpoints.publishers import add_fast, add_spm, edit, write_model
from tests.pipeline.checkpoints import make_pipeline

JUMANPP = {"AutoTokenizer": ["tokenization_own.JumanppDebertaV2Tokenizer", None]}
WORDS = [
    {"tokenizer_class": "DebertaV2JumanppTokenizer"},
    {"tokenizer_class": "JumanppDebertaV2Tokenizer", "auto_map": JUMANPP},
    {"auto_map": JUMANPP},
    {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"},
    {"word_tokenizer_type": ["odd"]},
    {"tokenizer_class": "KyTeaTokenizer"},
]
NO_WORDS = [
    {},
    {"tokenizer_class": None},
    {"tokenizer_class": ""},
    {"tokenizer_class": "DebertaV2TokenizerFast"},
    {"tokenizer_class": "PreTrainedTokenizerFast"},
    {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "basic"},
    {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": None},
]


@pytest.fixture(params=["sentencepiece", "tokenizers"])
def folder(request, tmp_path, tiny_vocabulary):
    write_model(tmp_path, "DebertaV2Model")
    if request.param == "sentencepiece":
        add_spm(tmp_path, tiny_vocabulary)
    else:
        add_fast(tmp_path, tiny_vocabulary)
        (tmp_path / "spm.model").unlink(missing_ok=True)
    return tmp_path


def codes(function, *arguments, **settings):
    """The codes of the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments, **settings)
    messages = [str(warning.message) for warning in caught]
    return [message.split()[1].rstrip("]") for message in messages if "[spacy-deberta" in message]


def start(folder, **settings):
    make_pipeline("deberta", name="encoder", model={"name": str(folder), **settings})


@pytest.mark.parametrize("values", WORDS, ids=str)
def test_a_folder_that_asks_for_words(values, folder):
    edit(folder / "tokenizer_config.json", **values)
    for read in (DebertaV2Tokenizer.from_pretrained, DebertaV2TokenizerFast.from_directory, start):
        assert codes(read, folder) == ["W204"]
        assert codes(read, folder, is_split_into_words=True) == []


@pytest.mark.parametrize("values", NO_WORDS, ids=str)
def test_other_folders(values, folder):
    edit(folder / "tokenizer_config.json", **values)
    assert codes(DebertaV2Tokenizer.from_pretrained, folder) == []
    assert codes(DebertaV2Model.from_pretrained, folder) == []


def test_other_code(folder):
    values = {"auto_map": {"AutoTokenizer": ["own.Own", None]}, "tokenizer_class": "Own"}
    edit(folder / "tokenizer_config.json", **values)
    assert codes(DebertaV2Tokenizer.from_pretrained, folder) == ["W305"]


def test_the_message_says_what_to_do(folder):
    edit(folder / "tokenizer_config.json", tokenizer_class="DebertaV2JumanppTokenizer")
    with pytest.warns(UserWarning, match=r"W204.*DebertaV2Jumanpp.*is_split_into_words = true"):
        DebertaV2Tokenizer.from_directory(folder)

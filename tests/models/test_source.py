"""Sources of models, and their errors."""

import pytest
import spacy

from spacy_deberta.models import DebertaV2Model, ModelSource
from spacy_deberta.pretraining.loop.config import resolve_config
from tests.docs.pages import ROOT

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


def test_sizes_and_a_vocabulary_make_a_config(tiny_vocabulary, tiny_tokenizer):
    for vocabulary in (tiny_vocabulary, str(tiny_vocabulary)):
        source = ModelSource(vocabulary=vocabulary, config=SIZES)
        tokenizer = source.load_tokenizer()
        assert tokenizer.to_bytes() == tiny_tokenizer.to_bytes()
        config = source.make_config(tokenizer, legacy=False)
        assert (config.hidden_size, config.vocab_size) == (16, len(tokenizer))
        assert (config.relative_attention, config.legacy) == (True, False)
    rounded = source.make_config(tokenizer, multiple_of=64).vocab_size
    assert rounded % 64 == 0
    assert 0 <= rounded - len(tokenizer) < 64


def test_a_vocabulary_may_be_a_folder(tiny_tokenizer, tmp_path):
    tiny_tokenizer.save_pretrained(tmp_path)
    source = ModelSource(vocabulary=tmp_path, config=SIZES)
    assert source.load_tokenizer().to_bytes() == tiny_tokenizer.to_bytes()


def test_a_checkpoint_is_loaded_with_other_values(tiny_checkpoint, tiny_tokenizer):
    source = ModelSource(name=tiny_checkpoint, config={"hidden_dropout_prob": 0.25})
    model = source.load(DebertaV2Model)
    assert model.config.hidden_dropout_prob == model.embeddings.dropout.p == 0.25
    assert source.load_tokenizer().to_bytes() == tiny_tokenizer.to_bytes()
    assert source.find_files().folder == tiny_checkpoint


WRONG = [
    ({}, "E401"),
    ({"name": "somewhere", "vocabulary": "spm.model"}, "E402"),
    ({"vocabulary": "spm.model", "config": {"heads": 2}}, "E414.*heads"),
    ({"name": "somewhere", "config": {"heads": 2}}, "E414.*heads"),
]


@pytest.mark.parametrize(("values", "code"), WRONG)
def test_errors_name_the_section_of_pretraining(values, code):
    config = spacy.util.load_config(ROOT / "configs" / "pretrain.cfg").copy()
    config["model"] = values
    config["corpora"]["train"]["path"] = "texts.txt"
    section = r"\[model\.config\]" if "E414" in code else r"\[model\]"
    with pytest.raises(ValueError, match=code) as raised:
        resolve_config(config).source.check()
    assert raised.match(section)
    assert "from_scratch" not in str(raised.value)
    assert "components" not in str(raised.value)


def begin(name, from_scratch):
    nlp = spacy.blank("en")
    model = {"name": name, "from_scratch": from_scratch}
    nlp.add_pipe("deberta", name="mine", config={"model": model})
    nlp.initialize()


@pytest.mark.parametrize(
    ("name", "from_scratch", "message"),
    [
        (None, None, r"E401.*\[components\.mine\.model\].*'from_scratch'"),
        ("somewhere", SIZES, r"E402.*\[components\.mine\.model\].*'from_scratch'"),
        (None, SIZES, r"E404.*\[components\.mine\.model\.from_scratch\]"),
        (None, {**SIZES, "heads": 2}, r"E414.*\[components\..*\.model\.from_scratch\].*heads"),
    ],
)
def test_errors_name_the_section_of_a_component(name, from_scratch, message):
    with pytest.raises(ValueError, match=message):
        begin(name, from_scratch)

import json

import pytest

from spacy_deberta.models import (
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    describe_checkpoint,
)
from tests.checkpoints.folders import write_config

UNKNOWN = {
    "architectures": ["DebertaV2ForMaskedLM"],
    "pooling": {"dropout": 0, "hidden_act": "gelu"},
    "transformers_version": "4.20.0",
    "my_own_setting": [1, 2.5, None, {"größe": True}],
    "nothing": None,
    "tiny": 1e-12,
}


def test_unknown_keys_survive(make_checkpoint, tiny_config, tmp_path):
    folder = make_checkpoint(config={**tiny_config, **UNKNOWN})
    DebertaV2Model.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    text = (tmp_path / "saved" / "config.json").read_text(encoding="utf8")
    saved = json.loads(text)
    own = {"architectures": ["DebertaV2Model"]}
    assert {key: saved[key] for key in UNKNOWN} == {**UNKNOWN, **own}
    assert "größe" in text, "as a person would write it"
    assert saved["torch_dtype"] == "float32"
    for key, value in tiny_config.items():
        assert saved[key] == (["p2c", "c2p"] if key == "pos_att_type" else value), key


def test_labels_survive(make_checkpoint, tiny_config, tmp_path):
    labels = {"0": "O", "1": "B-PER", "2": "I-PER"}
    folder = make_checkpoint(config={**tiny_config, "id2label": labels})
    model = DebertaV2ForTokenClassification.from_pretrained(folder)
    model.save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert saved["id2label"] == labels
    assert saved["label2id"] == {"O": 0, "B-PER": 1, "I-PER": 2}
    assert saved["architectures"] == ["DebertaV2ForTokenClassification"]


@pytest.mark.parametrize(
    "overrides",
    [
        {"num_labels": 3},
        {"id2label": {0: "A", 1: "B", 2: "C"}},
        {"label2id": {"A": 0, "B": 1, "C": 2}, "num_labels": 3},
    ],
)
def test_overriding_labels(overrides, make_checkpoint, tiny_config):
    labels = {"id2label": {"0": "old", "1": "older"}, "label2id": {"old": 0, "older": 1}}
    folder = make_checkpoint(config={**tiny_config, **labels})
    config = DebertaV2ForTokenClassification.from_pretrained(
        folder, config_overrides=overrides
    ).config
    assert config.num_labels == len(config.id2label) == len(config.label2id) == 3
    assert "old" not in config.label2id
    for key, value in overrides.items():
        assert getattr(config, key) == value


def test_overriding_other_fields(make_checkpoint, tiny_config):
    folder = make_checkpoint(config={**tiny_config, "id2label": {"0": "only"}})
    config = DebertaV2Model.from_pretrained(
        folder, config_overrides={"hidden_dropout_prob": 0.0, "far_positions": "huggingface"}
    ).config
    assert config.hidden_dropout_prob == 0.0
    assert config.far_positions == "huggingface"
    assert config.id2label == {0: "only"}
    assert config.attention_probs_dropout_prob == 0.1


@pytest.mark.parametrize("name", ["hidden_dropout", "extra", "model_typ"])
def test_overriding_what_does_not_exist(name, make_checkpoint):
    with pytest.raises(ValueError, match=f"E313.*{name}"):
        DebertaV2Model.from_pretrained(make_checkpoint(), config_overrides={name: {}})


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("", "E308"),
        ('{"model_type": "deberta-v2",', "E308"),
        ('["deberta-v2"]', "E308"),
        ("null", "E308"),
        ({"model_type": "bert"}, "E101"),
        ({"model_type": "deberta"}, "E101.*first DeBERTa"),
        ({"model_type": None}, "E101"),
        ({"model_type": "deberta-v2", "hidden_size": "wide"}, "E102"),
        ({"model_type": "deberta-v2", "hidden_act": "mystery"}, "E104"),
    ],
)
@pytest.mark.parametrize("load", [DebertaV2Model.from_pretrained, describe_checkpoint])
def test_configs_that_are_none(config, code, load, make_checkpoint):
    with pytest.raises(ValueError, match=code):
        load(make_checkpoint(config=config))


def test_a_config_that_is_no_text(make_checkpoint):
    folder = make_checkpoint()
    (folder / "config.json").write_bytes(b"\xff\xfe{\x00}\x00")
    with pytest.raises(ValueError, match="E308"):
        DebertaV2Model.from_pretrained(folder)


def test_a_config_with_a_huge_number(make_checkpoint, tiny_config):
    """Python and Hugging Face write such numbers for "no limit"."""
    folder = make_checkpoint()
    write_config(folder, {**tiny_config, "model_max_length": 10**30})
    assert DebertaV2Model.from_pretrained(folder).config.extra["model_max_length"] == 10**30


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"hidden_size": 64}, "E307"),
        ({"vocab_size": 460}, "E307"),
        ({"intermediate_size": 128, "hidden_act": "relu"}, "E307"),
        ({"num_hidden_layers": 3}, "E306"),
        ({"share_att_key": False}, "E306"),
        ({"conv_kernel_size": 3}, "E306"),
    ],
)
def test_overrides_that_do_not_fit_are_to_blame_themselves(overrides, code, make_checkpoint):
    folder = make_checkpoint()
    with pytest.raises(ValueError, match=rf"{code}.*\[model\.config\]") as error:
        DebertaV2Model.from_pretrained(folder, config_overrides=overrides)
    assert all(f"'{name}'" in str(error.value) for name in overrides)
    assert "config.json" not in str(error.value)


def test_a_config_that_does_not_fit_is_to_blame_itself(make_checkpoint, tiny_config):
    folder = make_checkpoint(config={**tiny_config, "hidden_size": 64})
    with pytest.raises(ValueError, match=r"E307.*Use the config\.json") as error:
        DebertaV2Model.from_pretrained(folder)
    assert "[model.config]" not in str(error.value)

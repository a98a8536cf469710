"""Configurations: reading, writing, and rejecting invalid ones."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config
from tests.nn import official

HUB = list(official.CONFIGS)


@pytest.mark.parametrize("name", HUB)
def test_official_configs_go_around(name):
    values = official.CONFIGS[name]
    config = DebertaV2Config.from_dict(values)
    assert config.pos_att_type == ("p2c", "c2p")
    assert config.position_span == 256
    assert config.max_distance == 512
    assert config.head_dim == 64
    written = json.loads(json.dumps(config.to_dict()))
    assert DebertaV2Config.from_dict(written) == config
    for key, value in values.items():
        assert written[key] == (["p2c", "c2p"] if key == "pos_att_type" else value), key
    assert "far_positions" not in written


@pytest.mark.parametrize("name", HUB)
def test_huggingface_opens_what_is_written(name):
    transformers = pytest.importorskip("transformers")
    written = DebertaV2Config.from_dict(official.CONFIGS[name]).to_dict()
    theirs = transformers.DebertaV2Config.from_dict(written)
    direct = transformers.DebertaV2Config.from_dict(official.CONFIGS[name])
    for key, value in direct.to_dict().items():
        assert theirs.to_dict()[key] == value, key


def test_reads_what_huggingface_writes():
    transformers = pytest.importorskip("transformers")
    theirs = transformers.DebertaV2Config(num_labels=3, pos_att_type="c2p|p2c").to_dict()
    config = DebertaV2Config.from_dict(theirs)
    assert config.num_labels == 3
    again = transformers.DebertaV2Config.from_dict(config.to_dict())
    assert {**again.to_dict(), **theirs} == again.to_dict()


def test_defaults_are_those_of_huggingface():
    transformers = pytest.importorskip("transformers")
    theirs = transformers.DebertaV2Config().to_dict()
    for key, value in DebertaV2Config().to_dict().items():
        if key in theirs and key != "pos_att_type":
            expected = theirs[key] if key != "id2label" else {"0": "LABEL_0", "1": "LABEL_1"}
            assert value == expected, key


@pytest.mark.parametrize("name", HUB)
def test_official_parameter_counts(name):
    config = DebertaV2Config.from_dict(official.CONFIGS[name])
    with torch.device("meta"):
        model = DebertaV2Model(config)
    total, embeddings = official.MILLIONS[name]
    parameters = {key: value.numel() / 1e6 for key, value in model.named_parameters()}
    assert sum(parameters.values()) == pytest.approx(total, abs=0.006)
    words = parameters["embeddings.word_embeddings.weight"]
    assert words == pytest.approx(embeddings, abs=0.06)


def test_unknown_keys_are_kept():
    values = {"model_type": "deberta-v2", "pooling": {"dropout": [0, {"a": 1}]}, "extra": {"b": 2}}
    config = DebertaV2Config.from_dict(values)
    assert config.extra["pooling"]["dropout"][1]["a"] == 1
    written = json.loads(json.dumps(config.to_dict()))
    assert written["pooling"] == values["pooling"]
    assert written["extra"] == {"b": 2}


def test_far_positions_are_written_if_not_default():
    config = DebertaV2Config(far_positions="huggingface")
    assert DebertaV2Config.from_dict(config.to_dict()).far_positions == "huggingface"


def test_labels():
    config = DebertaV2Config(num_labels=3)
    assert dict(config.id2label) == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    config = DebertaV2Config.from_dict({"id2label": {"0": "A", "1": "B", "2": "C"}})
    assert config.num_labels == 3
    assert dict(config.label2id) == {"A": 0, "B": 1, "C": 2}
    assert dict(config.with_labels(["X"]).label2id) == {"X": 0}


def test_frozen_hashable_and_copied():
    config = DebertaV2Config.from_dict({"task": {"a": [1, 2]}})
    assert copy.deepcopy(config) == config == pickle.loads(pickle.dumps(config))
    assert hash(copy.deepcopy(config)) == hash(config)
    assert replace(config, hidden_size=768).embedding_dim == 768
    assert config != replace(config, hidden_size=768)
    with pytest.raises(FrozenInstanceError):
        config.hidden_size = 3
    with pytest.raises(TypeError):
        config.extra["task"] = 3


@pytest.mark.parametrize(
    ("values", "code", "hint"),
    [
        ({"model_type": "deberta"}, "E101", "first DeBERTa"),
        ({"model_type": "bert"}, "E101", "'bert'"),
        ({"hidden_size": "768"}, "E102", "hidden_size"),
        ({"vocab_size": 0}, "E102", "vocab_size"),
        ({"num_hidden_layers": -1}, "E102", "num_hidden_layers"),
        ({"hidden_dropout_prob": 1.0}, "E102", "hidden_dropout_prob"),
        ({"cls_dropout": -0.1}, "E102", "cls_dropout"),
        ({"relative_attention": "yes"}, "E102", "relative_attention"),
        ({"pad_token_id": 128100}, "E102", "pad_token_id"),
        ({"embedding_size": 0}, "E102", "embedding_size"),
        ({"num_attention_heads": 7}, "E103", "7 attention heads"),
        ({"attention_head_size": 32}, "E103", "768"),
        ({"hidden_act": "gelo"}, "E104", "hidden_act"),
        ({"conv_act": "gelo"}, "E104", "conv_act"),
        ({"pos_att_type": "p2c|p2p"}, "E104", "p2p"),
        ({"norm_rel_ebd": "batch_norm"}, "E104", "norm_rel_ebd"),
        ({"problem_type": "ranking"}, "E104", "problem_type"),
        ({"far_positions": "google"}, "E104", "far_positions"),
        ({"conv_kernel_size": 4}, "E105", "kernel size 4"),
        ({"conv_kernel_size": 3, "conv_groups": 5}, "E105", "5 groups"),
        ({"position_buckets": 1, "relative_attention": True}, "E107", "position_buckets"),
        ({"position_buckets": 1100, "relative_attention": True}, "E107", "511"),
    ],
)
def test_refused(values, code, hint):
    with pytest.raises(ValueError, match=code) as caught:
        DebertaV2Config.from_dict(values)
    assert hint in str(caught.value)


def test_refuses_labels_that_contradict():
    with pytest.raises(ValueError, match="E106"):
        DebertaV2Config(num_labels=2, id2label={0: "A", 1: "B", 2: "C"})


def test_nulls_and_no_terms():
    config = DebertaV2Config.from_dict({"pos_att_type": None, "pad_token_id": None})
    assert config.pos_att_type == ()
    assert config.pad_token_id == 0
    assert DebertaV2Config.from_dict({"pos_att_type": "None"}).pos_att_type == ()

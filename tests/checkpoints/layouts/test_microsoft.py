"""Folders in the layout of the microsoft/DeBERTa repository."""

import json

import pytest
import torch

from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.checkpoints.layouts.detection import detect_key_map
from spacy_deberta.models import (
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    describe_checkpoint,
)
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.folders import gamma_beta, official_extras, prefixed, write_file
from tests.huggingface import VARIANTS, make_model

HEADS = {
    DebertaV2ForMaskedLM: "lm_predictions.",
    DebertaV2ForMultipleChoice: "pooler.",
    DebertaV2ForQuestionAnswering: "qa_outputs.",
    DebertaV2ForReplacedTokenDetection: "mask_predictions.",
    DebertaV2ForSequenceClassification: "pooler.",
    DebertaV2ForTokenClassification: "classifier.",
}


def bert(weights):
    """The names of files from before the encoder was called `deberta`."""
    return {f"bert.{key}": tensor for key, tensor in weights.items()}


@pytest.fixture
def make_folder(make_checkpoint, tiny_config):
    """A function that writes weights and a config under Microsoft's file names."""

    def make(weights, config=tiny_config, name="microsoft"):
        folder = make_checkpoint(name, config=None, weights=None)
        # Microsoft's config has no model type.
        values = {key: value for key, value in config.items() if key != "model_type"}
        (folder / "model_config.json").write_text(json.dumps(values), encoding="utf8")
        write_file(folder / "pytorch.model.bin", weights)
        return folder

    return make


@pytest.mark.parametrize("names", [dict, prefixed, bert, lambda weights: bert(gamma_beta(weights))])
def test_the_encoder_is_the_same(names, make_folder, weights, rows, expected_rows):
    folder = make_folder(names(weights))
    assert rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)
    assert DebertaV2Tokenizer.from_pretrained(folder)("Mira left.")


@pytest.mark.parametrize("names", [prefixed, bert])
@pytest.mark.parametrize("cls", HEADS, ids=lambda cls: cls.__name__)
def test_every_class_finds_its_head(cls, names, make_folder, weights, tiny_config):
    extras = official_extras(tiny_config)
    if cls is DebertaV2ForTokenClassification:
        extras["classifier.weight"] = torch.full((2, tiny_config["hidden_size"]), 0.5)
        extras["classifier.bias"] = torch.full((2,), 0.5)
    head = {
        key: tensor
        for key, tensor in extras.items()
        if key.startswith(HEADS[cls]) or "position_embeddings.weight" in key
    }
    model = cls.from_pretrained(make_folder({**names(weights), **head}))
    parameters = dict(model.named_parameters())
    found = [key for key in parameters if key.startswith(HEADS[cls])]
    assert found
    assert all(parameters[key].eq(0.5).all() for key in found)


@pytest.mark.parametrize("variant", ["own-projections", "own-c2p", "own-p2c"])
def test_unshared_projections_have_their_first_names(variant, make_folder):
    theirs = make_model(variant)
    old = {
        key.replace("pos_key_proj", "pos_proj").replace("pos_query_proj", "pos_q_proj"): tensor
        for key, tensor in theirs.state_dict().items()
    }
    assert set(old) != set(theirs.state_dict())
    model = DebertaV2Model.from_pretrained(make_folder(old, VARIANTS[variant]))
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        expected = theirs(ids).last_hidden_state
        assert model(ids).last_hidden_state.allclose(expected, atol=1e-5)
    key_map = detect_key_map(old)
    assert [key_map.to_theirs(key_map.to_ours(key)) for key in old] == list(old)


@pytest.mark.parametrize("names", [dict, prefixed, bert, lambda weights: bert(gamma_beta(weights))])
def test_names_come_back(names, weights):
    theirs = list(names(weights))
    key_map = detect_key_map(theirs)
    assert [key_map.to_theirs(key_map.to_ours(key)) for key in theirs] == theirs
    assert [key_map.to_ours(key) for key in theirs] == list(prefixed(weights))


def test_info_names_the_layout(make_folder, weights):
    found = describe_checkpoint(make_folder(prefixed(weights)))
    assert found.layout == "microsoft"
    assert list(found.files) == ["pytorch.model.bin"]
    assert list(found.parts) == ["embeddings", "encoder"]


def test_hugging_faces_files_come_first(make_folder, make_checkpoint, weights, tiny_config):
    folder = make_folder(weights)
    assert find_checkpoint(folder).config.name == "model_config.json"
    (folder / "config.json").write_text(json.dumps(tiny_config))
    files = find_checkpoint(folder)
    assert (files.config.name, files.weights[0].name) == ("config.json", "pytorch.model.bin")
    write_file(folder / "pytorch_model.bin", weights)
    files = find_checkpoint(folder)
    assert (files.layout, files.weights[0].name) == ("huggingface", "pytorch_model.bin")


def test_a_save_replaces_the_weights(make_folder, weights):
    folder = make_folder(weights)
    DebertaV2Model.from_pretrained(folder).save_pretrained(folder)
    assert not (folder / "pytorch.model.bin").exists()
    assert find_checkpoint(folder).layout == "huggingface"


def first_generation(weights):
    """Attention parameters of the first version of DeBERTa."""
    renamed = {
        key: tensor for key, tensor in weights.items() if "_proj" not in key or "pos_" in key
    }
    width = 32
    for layer in range(2):
        name = f"encoder.layer.{layer}.attention.self"
        renamed[f"{name}.in_proj.weight"] = torch.zeros(3 * width, width)
        renamed[f"{name}.q_bias"] = torch.zeros(width)
        renamed[f"{name}.v_bias"] = torch.zeros(width)
        renamed[f"{name}.pos_proj.weight"] = torch.zeros(width, width)
        renamed[f"{name}.pos_q_proj.weight"] = torch.zeros(width, width)
        renamed[f"{name}.pos_q_proj.bias"] = torch.zeros(width)
    return renamed


@pytest.mark.parametrize("names", [dict, prefixed, bert])
def test_the_first_deberta_is_refused(names, make_folder, make_checkpoint, weights, tiny_config):
    theirs = names(first_generation(weights))
    for folder in (make_folder(theirs), make_checkpoint("huggingface", weights=theirs)):
        for load in (DebertaV2Model.from_pretrained, DebertaV2ForMaskedLM.from_pretrained):
            with pytest.raises(ValueError, match=r"E316.*microsoft|E316.*huggingface"):
                load(folder)
        with pytest.raises(ValueError, match="E316"):
            describe_checkpoint(folder)
    config = {**tiny_config, "model_type": "deberta"}
    with pytest.raises(ValueError, match=r"E101.*first DeBERTa"):
        DebertaV2Model.from_pretrained(make_checkpoint("named", config=config, weights=theirs))


def test_a_config_may_leave_out_what_is_usual(make_folder, weights, tiny_config):
    """Microsoft's defaults, which are equal to Hugging Face's."""
    config = DebertaV2Config.from_dict(
        {"vocab_size": 450, "hidden_size": 32, "num_attention_heads": 2}
    )
    assert not config.relative_attention
    assert config.position_biased_input

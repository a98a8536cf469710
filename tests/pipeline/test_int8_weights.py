"""Weights that are held and saved in int8: predicting, saving, and what can't be done with them."""

import json

import pytest
import spacy
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from spacy_deberta import DebertaV2Model
from spacy_deberta.models import convert_checkpoint, describe_checkpoint
from tests.pipeline.pipelines import (
    FACTORIES,
    TRAIN_DATA,
    encoder_of,
    make_examples,
    make_pipeline,
    make_trained,
    rows,
)

TEXTS = [text for text, _ in TRAIN_DATA]
MODEL = "transformer/model"


@pytest.fixture(scope="module")
def trained(tiny_checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines") / "trained"
    make_trained(tiny_checkpoint, precision="fp32").to_disk(folder)
    return folder


def load(folder, **settings):
    return spacy.load(folder, config={"components.transformer.model": settings})


def assert_same(one, other):
    for expected, found in zip(rows(one, TEXTS), rows(other, TEXTS), strict=True):
        assert (expected == found).all()


def distance(one, other):
    return max(
        float(abs(expected - found).max())
        for expected, found in zip(rows(one, TEXTS), rows(other, TEXTS), strict=True)
    )


def test_nothing_large_is_held_in_float32(trained):
    nlp = load(trained, precision="int8", load_precision="int8")
    assert encoder_of(nlp).load_precision == "int8"
    held = encoder_of(nlp).state_dict()
    for name, tensor in held.items():
        if "encoder.layer" in name and name.endswith(("dense.weight", "proj.weight")):
            assert tensor.dtype in (torch.int8, torch.bfloat16), name
    assert torch.int8 in {tensor.dtype for tensor in held.values()}
    assert held["embeddings.word_embeddings.weight"].dtype == torch.bfloat16
    assert 0 < distance(nlp, load(trained, precision="fp32")) < 0.3
    # In other precisions, the same weights are dequantized.
    exact = load(trained, precision="fp32", load_precision="int8")
    assert 0 < distance(nlp, exact) < 0.3


@pytest.mark.parametrize("settings", [{"load_precision": "int8"}, {"storage_precision": "int8"}])
def test_a_saved_pipeline_predicts_the_same(settings, trained, tmp_path):
    load(trained, precision="int8", **settings).to_disk(tmp_path / "first")
    first = spacy.load(tmp_path / "first")
    assert encoder_of(first).load_precision == "int8"
    first.to_disk(tmp_path / "second")
    second = spacy.load(tmp_path / "second")
    assert_same(first, second)
    assert_same(first, spacy.load(tmp_path / "first").from_bytes(second.to_bytes()))
    one, other = (
        load_file(tmp_path / f"{name}/{MODEL}/model.safetensors") for name in ("first", "second")
    )
    assert one.keys() == other.keys()
    assert all(one[name].equal(other[name]) for name in one)


@pytest.mark.parametrize("factory", FACTORIES)
def test_both_factories_save_it(factory, tiny_checkpoint, tmp_path):
    nlp = make_pipeline(tiny_checkpoint, factory=factory, precision="int8", load_precision="int8")
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path)
    assert_same(nlp, spacy.load(tmp_path))


@pytest.fixture
def folder(trained, tmp_path):
    load(trained, storage_precision="int8").to_disk(tmp_path / "int8")
    return tmp_path / "int8"


def test_only_this_package_reads_the_folder(folder, tmp_path):
    config = json.loads((folder / MODEL / "config.json").read_text())
    assert config["quantization_config"] == {"quant_method": "spacy-deberta-int8"}
    with pytest.raises((RuntimeError, ValueError)):
        AutoModel.from_pretrained(folder / MODEL)
    info = describe_checkpoint(folder / MODEL)
    assert {"int8", "bfloat16", "float32"} <= info.dtypes.keys()
    convert_checkpoint(folder / MODEL, tmp_path / "float", to="huggingface")
    assert "quantization_config" not in json.loads((tmp_path / "float/config.json").read_text())
    ids = torch.arange(5, 25)[None]
    with torch.no_grad(), pytest.warns(UserWarning, match="W311.*load_precision"):
        expected = DebertaV2Model.from_pretrained(folder / MODEL)(ids).last_hidden_state
    with torch.no_grad():
        theirs = AutoModel.from_pretrained(tmp_path / "float").eval()
        assert torch.allclose(theirs(ids).last_hidden_state, expected, atol=1e-5)


def test_training_it_is_refused(folder):
    nlp = spacy.load(folder)
    with pytest.raises(ValueError, match="E128.*int8.*load_precision"):
        nlp.update(make_examples(nlp), sgd=nlp.resume_training(), losses={})


def test_training_goes_on_in_float32_and_saves_int8(tiny_checkpoint, tmp_path):
    nlp = make_pipeline(
        tiny_checkpoint, factory="deberta", precision="int8", storage_precision="int8"
    )
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    for turn in ("first", "second"):
        nlp.update(make_examples(nlp), sgd=optimizer, losses={})
        nlp.to_disk(tmp_path / turn)
    assert encoder_of(nlp).load_precision == "fp32"
    assert distance(*(spacy.load(tmp_path / turn) for turn in ("first", "second"))) > 0

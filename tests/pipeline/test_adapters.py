"""Components on a LoRA adapter: they run and save one merged model."""

import json
import shutil

import pytest
import spacy
import torch
import transformers
from safetensors.torch import save_file

from spacy_deberta.cli import convert
from spacy_deberta.models import DebertaV2ForSequenceClassification
from tests.pipeline.checkpoints import make_pipeline

TEXT = "The camera of the new phone is superb."
QUERY = "base_model.model.deberta.encoder.layer.{}.attention.self.query_proj.lora_{}.weight"
LABELS = {"0": "BAD", "1": "GOOD", "2": "NEITHER"}


@pytest.fixture
def adapter(tmp_path, tiny_checkpoint):
    """A sequence classifier on the tiny checkpoint, which is named as it was elsewhere."""
    shutil.copytree(tiny_checkpoint, tmp_path / "base")
    folder = tmp_path / "adapter"
    folder.mkdir()
    generator = torch.Generator().manual_seed(1)
    weights = {
        QUERY.format(layer, part): torch.randn(shape, generator=generator)
        for layer in (0, 1)
        for part, shape in (("A", (4, 32)), ("B", (32, 4)))
    }
    for name, shape in {
        "pooler.dense.weight": (32, 32),
        "pooler.dense.bias": (32,),
        "classifier.weight": (3, 32),
        "classifier.bias": (3,),
    }.items():
        weights[f"base_model.model.{name}"] = torch.randn(shape, generator=generator)
    save_file(weights, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": 4, "lora_alpha": 2}
    values = {**config, "base_model_name_or_path": "/home/somebody/base"}
    (folder / "adapter_config.json").write_text(json.dumps(values))
    (folder / "config.json").write_text(json.dumps({"id2label": LABELS}))
    return folder


@pytest.fixture
def expected(adapter, tmp_path):
    """The scores of Hugging Face's class, with the query projections changed by hand."""
    from safetensors.torch import load_file

    weights = load_file(adapter / "adapter_model.safetensors")
    model = transformers.DebertaV2ForSequenceClassification.from_pretrained(
        tmp_path / "base", num_labels=3
    ).eval()
    with torch.no_grad():
        for layer, module in enumerate(model.deberta.encoder.layer):
            b, a = (weights[QUERY.format(layer, part)] for part in "BA")
            module.attention.self.query_proj.weight += b @ a * 2 / 4
        for name, parameter in (*model.pooler.named_parameters(),):
            parameter.copy_(weights[f"base_model.model.pooler.{name}"])
        for name, parameter in model.classifier.named_parameters():
            parameter.copy_(weights[f"base_model.model.classifier.{name}"])
        tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(tmp_path / "base")
        logits = model(**tokenizer(TEXT, return_tensors="pt")).logits
    return dict(zip(LABELS.values(), logits.softmax(1)[0].tolist(), strict=True))


def test_a_classifier_on_an_adapter(adapter, expected, tmp_path):
    model = {"name": str(adapter), "base": str(tmp_path / "base")}
    nlp, pipe = make_pipeline("deberta_sequence_classifier", model=model)
    assert pipe.labels == tuple(LABELS.values())
    assert nlp(TEXT).cats == pytest.approx(expected, abs=1e-5)
    nlp.to_disk(tmp_path / "saved")
    assert not list((tmp_path / "saved").rglob("adapter*"))
    shutil.rmtree(adapter)
    shutil.rmtree(tmp_path / "base")
    assert spacy.load(tmp_path / "saved")(TEXT).cats == pytest.approx(expected, abs=1e-5)


def test_an_encoder_and_a_head_on_an_adapter(adapter, expected, tmp_path):
    model = {"name": str(adapter), "base": str(tmp_path / "base")}
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", name="transformer", config={"model": model})
    shared = {**model, "shared_encoder": "transformer"}
    nlp.add_pipe("deberta_sequence_classifier", config={"model": shared})
    nlp.initialize()
    assert nlp(TEXT).cats == pytest.approx(expected, abs=1e-5)


def test_convert_writes_one_pipeline(adapter, tmp_path):
    convert(adapter, tmp_path / "pipeline", to="spacy", base=tmp_path / "base")
    nlp = spacy.load(tmp_path / "pipeline")
    assert nlp.config["components"]["transformer"]["model"]["base"] is None
    merged = DebertaV2ForSequenceClassification.from_pretrained(adapter, base=tmp_path / "base")
    ids = merged.config.vocab_size
    assert ids > 100
    rows = nlp(TEXT)._.trf_data.model_output.last_hidden_state
    pieces = torch.tensor([nlp(TEXT)._.trf_data.wordpieces.input_ids[0]])
    with torch.no_grad():
        again = merged.deberta(pieces).last_hidden_state
    assert rows == pytest.approx(again.numpy(), abs=1e-4)

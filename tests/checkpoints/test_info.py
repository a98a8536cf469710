import json

import pytest
import torch

from spacy_deberta.models import DebertaV2ForTokenClassification, describe_checkpoint
from tests.checkpoints.folders import gamma_beta, official_extras, prefixed
from tests.huggingface import make_model


def count(weights, *starts):
    return sum(tensor.numel() for key, tensor in weights.items() if key.startswith(starts))


@pytest.mark.parametrize("names", [dict, prefixed, gamma_beta])
@pytest.mark.parametrize("form", ["safetensors", "safetensors shards", "legacy bin", "bin shards"])
def test_an_encoder(names, form, make_checkpoint, weights, tiny_tokenizer):
    folder = make_checkpoint(weights=names(weights), form=form)
    info = describe_checkpoint(folder)
    assert info.parts == {
        "embeddings": count(weights, "embeddings."),
        "encoder": count(weights, "encoder."),
    }
    assert info.dtypes == {"float32": count(weights, "")}
    assert info.heads == {}
    assert info.pieces == len(tiny_tokenizer)
    assert info.name == str(folder)
    assert ("gamma" in info.layout) == (names is gamma_beta)
    on_disk = {
        path.name: path.stat().st_size
        for path in folder.iterdir()
        if path.suffix in (".safetensors", ".bin")
    }
    assert info.files == on_disk
    assert info.config.num_hidden_layers == 2


def test_a_head(make_checkpoint, tiny_config, tmp_path):
    config = {**tiny_config, "id2label": {str(i): f"L{i}" for i in range(5)}}
    model = DebertaV2ForTokenClassification.from_pretrained(make_checkpoint(config=config))
    model.save_pretrained(tmp_path / "saved", precision="bf16")
    info = describe_checkpoint(tmp_path / "saved")
    state = model.state_dict()
    assert info.parts == {
        "embeddings": count(state, "deberta.embeddings."),
        "encoder": count(state, "deberta.encoder."),
        "classifier": 5 * 32 + 5,
    }
    assert info.dtypes == {"bfloat16": count(state, "")}
    assert info.heads == {"classifier": "classification head"}
    assert info.pieces is None
    assert info.config.num_labels == 5


def test_a_released_file(make_checkpoint, weights, tiny_config):
    extras = official_extras(tiny_config)
    official = {key: tensor.half() for key, tensor in {**prefixed(weights), **extras}.items()}
    official["deberta.embeddings.position_ids"] = torch.arange(512)
    official["mystery.weight"] = torch.ones(3)
    info = describe_checkpoint(make_checkpoint(weights=official, form="bin"))
    # What the model does not use is not counted as its embeddings, half of which it would be here.
    assert info.parts == {
        "embeddings": count(weights, "embeddings."),
        "encoder": count(weights, "encoder."),
        "embeddings.position_embeddings": 512 * 32,
        "embeddings.position_embeddings._weight": 512 * 32,
        "embeddings.word_embeddings._weight": 450 * 32,
        "embeddings.position_ids": 512,
        "lm_predictions": count(official, "lm_predictions."),
        "mask_predictions": count(official, "mask_predictions."),
        "cls": count(official, "cls."),
        "pooler": count(official, "pooler."),
        "classifier": 3 * 32 + 3,
        "qa_outputs": 2 * 32 + 2,
        "mystery": 3,
    }
    total = sum(tensor.numel() for tensor in official.values())
    assert sum(info.parts.values()) == sum(info.dtypes.values()) == total
    assert info.dtypes == {"float16": total - 512 - 3, "int64": 512, "float32": 3}
    assert set(info.heads) == set(info.parts) - {"embeddings", "encoder"}
    assert info.heads["mystery"] == "unknown"
    assert "gradient-disentangled" in info.heads["embeddings.word_embeddings._weight"]


def test_positions_that_are_used_are_embeddings(tmp_path):
    model = make_model("absolute-positions")
    model.save_pretrained(tmp_path)
    info = describe_checkpoint(tmp_path)
    assert info.heads == {}
    assert set(info.parts) == {"embeddings", "encoder"}
    assert info.parts["embeddings"] == count(model.state_dict(), "embeddings.")


def test_as_json(make_checkpoint):
    info = describe_checkpoint(make_checkpoint())
    values = json.loads(json.dumps(info.to_dict()))
    assert values["config"]["hidden_size"] == 32
    assert values["parts"] == dict(info.parts)
    assert values.keys() == info.__dataclass_fields__.keys()

import json
import math
import shutil

import pytest
import srsly
import torch

from spacy_deberta.checkpoints import save_checkpoint
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer
from tests.pipeline.gliner.gliners import CHECKPOINT, make_bare, read_expected


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return DebertaV2Model.from_pretrained(tiny_checkpoint)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_json_has_the_numbers_of_the_model(spacy_cli, tiny_checkpoint, tiny_tokenizer, model):
    result = spacy_cli("deberta", "info", tiny_checkpoint, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["name"] == str(tiny_checkpoint)
    assert found["config"]["num_hidden_layers"] == 2
    assert found["parameters"] == count(model)
    assert found["parts"] == {
        "embeddings": count(model.embeddings),
        "encoder": count(model.encoder),
    }
    assert found["dtypes"] == {"float32": count(model)}
    assert found["pieces"] == len(tiny_tokenizer)
    weights = tiny_checkpoint / "model.safetensors"
    assert found["files"] == {weights.name: weights.stat().st_size}


def test_tables(spacy_cli, tiny_checkpoint, tiny_tokenizer, model):
    result = spacy_cli("deberta", "info", tiny_checkpoint)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout, "colours are for terminals"
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in [
        "Layers 2",
        "Hidden size 32",
        "Position terms p2c, c2p",
        "Convolution none",
        f"Vocabulary {len(tiny_tokenizer)} pieces (sentencepiece)",
        f"Stored as float32 ({count(model):,})",
        "Heads and extras none",
        f"total {count(model):,}",
    ]:
        assert line in lines
    assert "every piece has an embedding" in result.stdout


def test_added_tokens_are_listed(spacy_cli, tiny_checkpoint, tiny_vocabulary, tmp_path):
    folder = tmp_path / "added"
    shutil.copytree(tiny_checkpoint, folder)
    markers = [AddedToken(content=f"[E{i}]", special=True) for i in range(12)]
    tokenizer = DebertaV2Tokenizer(tiny_vocabulary, added_tokens=["remdesivir", *markers])
    tokenizer.save_pretrained(folder)
    contents = ["remdesivir", *(token.content for token in markers)]
    found = json.loads(spacy_cli("deberta", "info", folder, "--json").stdout)
    assert found["added_tokens"] == {
        content: len(tokenizer) - 13 + i for i, content in enumerate(contents)
    }
    text = " ".join(spacy_cli("deberta", "info", folder).stdout.split())
    assert "Added tokens 'remdesivir', '[E0]', '[E1]'" in text
    assert "and 3 more" in text
    lines = spacy_cli("deberta", "info", tiny_checkpoint).stdout.splitlines()
    assert "Added tokens none" in [" ".join(line.split()) for line in lines]


def test_markdown(spacy_cli, tiny_checkpoint):
    result = spacy_cli("deberta", "info", tiny_checkpoint, "-md")
    assert f"## Info about checkpoint '{tiny_checkpoint}'" in result.stdout
    assert "- **Layers:** 2" in result.stdout


@pytest.fixture
def unusual_checkpoint(tmp_path, tiny_config, model):
    """Known and unknown heads, a convolution in the config, and no vocabulary."""
    weights = {f"deberta.{key}": tensor for key, tensor in model.state_dict().items()}
    weights["mask_predictions.dense.weight"] = torch.zeros(32, 32)
    weights["mystery.weight"] = torch.zeros(3)
    config = {**tiny_config, "conv_kernel_size": 3, "conv_act": "gelu"}
    save_checkpoint(tmp_path / "unusual", config=config, weights=weights, precision="fp16")
    return tmp_path / "unusual"


def test_heads_and_what_is_missing(spacy_cli, unusual_checkpoint):
    found = json.loads(spacy_cli("deberta", "info", unusual_checkpoint, "-j").stdout)
    assert found["heads"] == {
        "mask_predictions": "replaced token detection head",
        "mystery": "unknown",
    }
    assert found["parts"]["mask_predictions"] == 32 * 32
    assert found["pieces"] is None
    assert list(found["dtypes"]) == ["float16"]
    text = " ".join(spacy_cli("deberta", "info", unusual_checkpoint).stdout.split())
    assert "mask_predictions (replaced token detection head)" in text
    assert "'mystery' is no part" in text
    assert "Convolution kernel 3, gelu" in text
    assert "There is no vocabulary" in text


def test_wrong_input_is_one_message_with_a_code(fails, tmp_path, tiny_checkpoint, tiny_config):
    def message(config):
        folder = tmp_path / "changed"
        folder.mkdir(exist_ok=True)
        for file in tiny_checkpoint.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "config.json").write_text(config)
        return fails("deberta", "info", folder)

    assert "E301" in fails("deberta", "info", tmp_path / "missing")
    assert "E304" in fails("deberta", "info", tmp_path)
    assert "E308" in message("{")
    assert "E101" in message(srsly.json_dumps({**tiny_config, "model_type": "bert"}))
    assert "E310" in message(srsly.json_dumps({**tiny_config, "vocab_size": 100}))
    (tmp_path / "changed" / "model.safetensors").write_bytes(b"damaged")
    (tmp_path / "changed" / "config.json").write_text(srsly.json_dumps(tiny_config))
    assert "E305" in fails("deberta", "info", tmp_path / "changed")


def test_a_gliner(spacy_cli, shared_data, tmp_path):
    folder = shared_data / "gliner" / CHECKPOINT
    expected = read_expected(folder)
    result = spacy_cli("deberta", "info", folder, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    shapes = expected["parameters"]
    assert found["parameters"] == sum(math.prod(shape) for shape in shapes.values())
    assert found["layout"] == "gliner"
    assert set(found["heads"]) == {"projection", "rnn", "span_rep_layer", "prompt_rep_layer"}
    assert found["added_tokens"]["<<ENT>>"] == expected["class_token_index"]
    bare = make_bare(folder, tmp_path / "bare", tmp_path / "encoder")
    result = spacy_cli("deberta", "info", bare)
    assert result.exit_code == 0, result.output
    assert "LSTM over the words" in result.output

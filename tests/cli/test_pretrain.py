"""`spacy deberta pretrain`: arguments and output of the command."""

import pytest
import srsly
from spacy import util

from tests.docs.pages import ROOT
from tests.pretraining.conftest import make_texts

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SETTINGS = {"batch_pieces": 300, "max_length": 48, "eval_every": 2, "log_every": 1}


@pytest.fixture
def config(tiny_vocabulary, tmp_path):
    """configs/pretrain.cfg for a tiny model, whose steps are a variable."""
    texts = tmp_path / "texts.txt"
    texts.write_text("\n\n".join(make_texts(40)), encoding="utf-8")
    config = util.load_config(ROOT / "configs" / "pretrain.cfg", interpolate=False)
    config["paths"] |= {"texts": str(texts), "vocabulary": str(tiny_vocabulary)}
    config["model"]["config"] = SIZES | {"intermediate_size": 32}
    config["pretraining"] |= SETTINGS | {"max_steps": "${system.steps}", "held_out": 0.1}
    config["system"]["steps"] = 4
    return config


def test_steps_scores_and_the_folder_are_shown(config, spacy_cli, tmp_path):
    config.to_disk(tmp_path / "config.cfg", interpolate=False)
    result = spacy_cli("deberta", "pretrain", tmp_path / "config.cfg", tmp_path / "model")
    assert result.exit_code == 0, result.output
    assert "4/4" in result.stderr, "the bar knows where it ends"
    assert "discriminator loss" in result.stderr
    assert result.stdout.rstrip().endswith(str(tmp_path / "model"))
    assert srsly.read_json(tmp_path / "model" / "config.json")["model_type"] == "deberta-v2"


def test_a_config_without_its_sections_is_refused(config, fails, tmp_path):
    del config["pretraining"]
    config.to_disk(tmp_path / "config.cfg", interpolate=False)
    message = fails("deberta", "pretrain", tmp_path / "config.cfg", tmp_path / "model")
    assert "E728" in message
    assert "'pretraining'" in message


def test_a_variable_that_is_not_there_is_named(config, spacy_cli, tmp_path):
    config["paths"]["texts"] = "${paths.nowhere}"
    config.to_disk(tmp_path / "config.cfg", interpolate=False)
    result = spacy_cli("deberta", "pretrain", tmp_path / "config.cfg", tmp_path / "model")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert "paths.nowhere" in result.output

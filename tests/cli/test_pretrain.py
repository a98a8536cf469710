"""`spacy deberta pretrain`: arguments and output of the command."""

import re

import pytest
import srsly
from spacy import util

from spacy_deberta.pretraining import clock
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
    assert result.stderr.index("0/4") < result.stderr.index("1/4"), "it is there from the start"
    assert "discriminator loss" in result.stderr
    assert result.stdout.rstrip().endswith(str(tmp_path / "model"))
    assert srsly.read_json(tmp_path / "model" / "config.json")["model_type"] == "deberta-v2"


def test_progress_is_shown_by_time_as_well(config, spacy_cli, tmp_path, monkeypatch):
    """An update of several batches, without a row of the log before its end."""
    monkeypatch.setattr(clock, "PROGRESS_SECONDS", 0)
    config["pretraining"] |= {"micro_batch_pieces": 100, "log_every": 4, "eval_every": 4}
    config["system"]["steps"] = 2
    config.to_disk(tmp_path / "config.cfg", interpolate=False)
    result = spacy_cli("deberta", "pretrain", tmp_path / "config.cfg", tmp_path / "model")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("Pretraining with"), "before PyTorch is imported"
    shown = [float(step) for step in re.findall(r"([\d.]+)/2 \[", result.stderr)]
    assert shown == sorted(shown)
    assert {0.5, 1.0, 1.5, 2.0} <= set(shown), "two phases"
    assert len(set(shown)) > 6, "batches of a phase"


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

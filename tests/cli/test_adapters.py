"""`spacy deberta info` and `convert` on an adapter in a subfolder."""

import json
import shutil

import pytest

from spacy_deberta.models import DebertaV2ForTokenClassification
from tests.checkpoints.layouts.test_adapters import SAVED, compare, outputs


@pytest.fixture
def place(tmp_path):
    """An adapter in a folder of its repository, with its base elsewhere."""
    shutil.copytree(SAVED / "tokens" / "adapter", tmp_path / "place" / "lora")
    shutil.copytree(SAVED / "tokens" / "base", tmp_path / "moved")
    return ("deberta", tmp_path / "place", ("--subfolder", "lora", "--base", tmp_path / "moved"))


def test_info(spacy_cli, place):
    deberta, folder, options = place
    result = spacy_cli(deberta, "info", folder, "--json", *options)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["base"] == str(options[-1])
    tables = spacy_cli(deberta, "info", folder, *options)
    assert "Adapter of" in tables.output
    without = spacy_cli(deberta, "info", folder, *options[:2])
    assert without.exit_code == 1
    assert "E331" in without.output


def test_convert(spacy_cli, place, tmp_path):
    deberta, folder, options = place
    to = tmp_path / "merged"
    result = spacy_cli(deberta, "convert", folder, to, "--to", "huggingface", *options)
    assert result.exit_code == 0, result.output
    compare(outputs(DebertaV2ForTokenClassification.from_pretrained(to)), SAVED / "tokens")

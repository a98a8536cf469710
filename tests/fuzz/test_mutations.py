"""Damaged files of all formats either raise an error with a code or give finite results.

Short here; `make fuzz` runs as many as docs/reliability.md says. A failure names its seed:
`reproduce("bin", 17)` runs it again, in this process.
"""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch

from spacy_deberta import DebertaV2ForSequenceClassification
from spacy_deberta.nn import DebertaV2Config
from tests.fuzz.formats import FORMATS
from tests.fuzz.sandbox import run_seeds

LONG = os.environ.get("SPACY_DEBERTA_FUZZ") == "long"
SEEDS = range(2_000) if LONG else range(40)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that may die"),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory, tiny_config, tiny_tokenizer) -> Path:
    """A small checkpoint with a head, which all formats are made from."""
    config = DebertaV2Config.from_dict({**tiny_config, "num_hidden_layers": 1})
    model = DebertaV2ForSequenceClassification(config.with_labels(["no", "yes"]))
    model.init_weights(torch.Generator().manual_seed(3))
    folder = tmp_path_factory.mktemp("fuzz") / "source"
    model.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


def reproduce(name: str, seed: int, whole: Path, target: Path) -> None:
    """Damage a copy of a valid folder and open it."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(whole, target)
    FORMATS[name].damage(target, seed)
    FORMATS[name].open(target)


@pytest.mark.parametrize("name", FORMATS)
def test_whole_files_are_accepted_and_damaged_ones_get_a_code(name, source, tmp_path):
    whole, target = tmp_path / "whole", tmp_path / "damaged"
    FORMATS[name].build(whole, source)
    FORMATS[name].open(whole)
    outcomes = run_seeds(
        lambda seed: reproduce(name, seed, whole, target), SEEDS, writable=tmp_path
    )
    failures = [outcome for outcome in outcomes if outcome.failed]
    print(name, dict(Counter(outcome.kind for outcome in outcomes)))
    assert not failures, "\n".join(f"{o.kind}, seed {o.seed}: {o.detail}" for o in failures)
    assert {"coded"} <= {outcome.kind for outcome in outcomes} or name == "docs"

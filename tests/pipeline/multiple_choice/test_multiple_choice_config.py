"""Training with configs/multiple_choice.cfg from random weights, on easy data."""

import io

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import registry

from spacy_deberta.tokenization import train_vocabulary
from tests.docs.pages import ROOT

GOAL = 0.9
COLORS = ("red", "green", "blue", "white")
PLACES = ("in Lyon", "at home", "near Porto", "by the sea")
THINGS = ("wall", "cup", "phone")
SIZE = {
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 96,
}


def make_lines(count):
    """CODAH's columns; the right choice is the only color, uniform over the positions."""
    for number in range(count):
        right = number // 4 % 4
        choices = [PLACES[(number + place) % 4] for place in range(4)]
        choices[right] = COLORS[number % 4]
        yield "\t".join(["o", f"The {THINGS[number % 3]} is", *choices, str(right)])


@pytest.mark.slow
def test_the_config_learns(tmp_path):
    lines = list(make_lines(48))
    (tmp_path / "train.tsv").write_text("\n".join(lines), encoding="utf-8")
    texts = [cell for line in lines for cell in line.split("\t")]
    train_vocabulary(texts * 3, tmp_path / "spm.model", vocab_size=290)
    steps = 60
    overrides = {
        "paths.train": str(tmp_path / "train.tsv"),
        "paths.dev": str(tmp_path / "train.tsv"),
        "paths.encoder": None,
        "components.choice.model.from_scratch": {
            "vocabulary": str(tmp_path / "spm.model"),
            **SIZE,
        },
        "training.dropout": 0.0,
        "training.max_steps": steps,
        "training.eval_frequency": steps,
        "training.accumulate_gradient": 1,
        "training.batcher.size": 300,
        "training.optimizer.learn_rate.initial_rate": 0.003,
        "training.optimizer.learn_rate.warmup_steps": 5,
        "training.optimizer.learn_rate.total_steps": 2 * steps,
    }
    path = ROOT / "configs" / "multiple_choice.cfg"
    nlp = init_nlp(spacy.util.load_config(path, overrides, interpolate=False))
    train(nlp, None, stdout=io.StringIO(), stderr=io.StringIO())
    reader = registry.readers.get("spacy-deberta.MultipleChoiceCorpus.v1")
    examples = list(reader(path=tmp_path / "train.tsv")(nlp))
    assert nlp.evaluate(examples)["choice_acc"] > GOAL  # chance is a quarter

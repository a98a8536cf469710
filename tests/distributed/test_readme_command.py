"""The README's command with the small model, compared with spaCy's bag of words."""

import csv
import os
import random
import subprocess
import sys
from collections import defaultdict

import pytest
import spacy
import srsly
from spacy.cli.init_config import init_config
from spacy.tokens import DocBin

from tests.docs.pages import ROOT

pytestmark = pytest.mark.slow

CATEGORIES, TRAIN, DEV = 30, 2, 20
# Short questions, so that some hundred updates take less than a minute.
WORDS = 7
UPDATES = 150
# Required difference: with the learning rate of base size, the two are equal.
MARGIN = 0.05


@pytest.fixture
def corpus(shared_data, tmp_path):
    """A folder with a few intents of banking77, few examples each."""
    by_category = defaultdict(list)
    path = shared_data / "banking77" / "train.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if len(row["text"].split()) <= WORDS:
                by_category[row["category"]].append(row["text"])
    categories = sorted(by_category)[:CATEGORIES]
    nlp = spacy.blank("en")
    for split, first, last in (("train", 0, TRAIN), ("dev", TRAIN, TRAIN + DEV)):
        docs = []
        for category in categories:
            for text in by_category[category][first:last]:
                doc = nlp.make_doc(text)
                doc.cats = {name: float(name == category) for name in categories}
                docs.append(doc)
        random.Random(0).shuffle(docs)
        DocBin(docs=docs).to_disk(tmp_path / f"{split}.spacy")
    return tmp_path


def train(folder, config, *options):
    """Train in a subprocess; returns the F of all categories on the development data."""
    steps = ("--training.max_steps", UPDATES, "--training.eval_frequency", UPDATES)
    data = ("--paths.train", folder / "train.spacy", "--paths.dev", folder / "dev.spacy")
    command = ["train", config, *data, "--output", folder / "out", *options, *steps]
    subprocess.run(
        [sys.executable, "-m", "spacy", *map(str, command)],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    return srsly.read_json(folder / "out" / "model-best" / "meta.json")["performance"][
        "cats_macro_f"
    ]


def test_the_small_model_learns_more_than_a_bag_of_words(corpus):
    theirs = init_config(
        lang="en", pipeline=["textcat"], optimize="efficiency", gpu=False, silent=True
    )
    assert "TextCatBOW" in theirs["components"]["textcat"]["model"]["@architectures"]
    theirs.to_disk(corpus / "bag_of_words.cfg")
    bag_of_words = train(corpus, corpus / "bag_of_words.cfg")
    encoder = ("--paths.encoder", "deberta-v3-mini-en")
    assert train(corpus, ROOT / "configs" / "textcat.cfg", *encoder) > bag_of_words + MARGIN

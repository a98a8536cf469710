"""From annotated texts to a package that others install, by the commands of the documentation."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.scorer import Scorer
from spacy.tokens import DocBin
from spacy.training import Example

from tests.conftest import SHARED

pytestmark = pytest.mark.slow

TEXTS = 300
STEPS = ("--training.max_steps", "50", "--training.eval_frequency", "50")


def read_bookings(path):
    """Rows with offsets, of restaurant8k."""
    for row in srsly.read_json(path):
        labels = [(label["valueSpan"], label["slot"]) for label in row.get("labels", ())]
        spans = [[s.get("startIndex", 0), s["endIndex"], slot] for s, slot in labels]
        yield {"text": row["userInput"]["text"], "entities": spans}


def draw_bookings():
    """Rows of the same kind for a checkout without real data."""
    source = random.Random(0)
    for _ in range(TEXTS):
        parts = {
            "people": f"{source.randint(2, 9)} people",
            "time": f"{source.randint(1, 11)} {source.choice(('am', 'pm'))}",
            "date": source.choice(("Monday", "Tuesday", "Friday", "Sunday", "tomorrow")),
        }
        text, spans = source.choice(("A table", "Book a table", "Can we get a table")), []
        for word, (slot, value) in zip(("for", "at", "on"), parts.items(), strict=True):
            start = len(text) + len(word) + 2
            text = f"{text} {word} {value}"
            spans.append([start, len(text), slot])
        yield {"text": f"{text}, please.", "entities": spans}


def read_rows():
    """Real bookings, or where they are not at hand drawn ones."""
    bookings = SHARED / "data" / "restaurant8k" / "train_0.json"
    rows = read_bookings(bookings) if bookings.is_file() else draw_bookings()
    return list(rows)[:TEXTS]


def entities_of(doc):
    return [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents]


LOAD = """
import spacy, srsly
nlp = spacy.load("en_bookings")
rows = srsly.read_jsonl("data.jsonl")
ents = [doc.to_json()["ents"] for doc in nlp.pipe(row["text"] for row in rows)]
found = [[[ent["start"], ent["end"], ent["label"]] for ent in of_doc] for of_doc in ents]
srsly.write_json("found.json", found)
"""


def test_from_offsets_to_an_installed_pipeline(tmp_path, monkeypatch, run_spacy):
    monkeypatch.chdir(tmp_path)
    srsly.write_jsonl("data.jsonl", read_rows())
    run_spacy("deberta", "prepare", "data.jsonl", "corpus")
    run_spacy("deberta", "init-config", "config.cfg", "--pipeline", "ner")
    corpora = ("--paths.train", "corpus/train.spacy", "--paths.dev", "corpus/dev.spacy")
    run_spacy("train", "config.cfg", *corpora, "--output", "out", *STEPS)

    Path("packages").mkdir()
    name = ("--name", "bookings", "--version", "1.0.0")
    run_spacy("package", "out/model-best", "packages", *name, "--build", "wheel")
    (wheel,) = Path("packages").glob("*/dist/*.whl")
    install = ("pip", "install", "--quiet", "--no-deps", "--no-index", "--target", "site", wheel)
    subprocess.run([sys.executable, "-m", *install], check=True)
    # The package needs nothing of what it was made of, and a process of its own finds it.
    Path("out").rename("elsewhere")
    env = {**os.environ, "PYTHONPATH": "site"}
    subprocess.run([sys.executable, "-c", LOAD], env=env, check=True)

    nlp = spacy.load("elsewhere/model-best")
    docs = list(nlp.pipe(row["text"] for row in srsly.read_jsonl("data.jsonl")))
    assert srsly.read_json("found.json") == [entities_of(doc) for doc in docs]
    gold = list(DocBin().from_disk("corpus/dev.spacy").get_docs(nlp.vocab))
    examples = [Example(nlp(doc.text), doc) for doc in gold]
    assert Scorer.score_spans(examples, "ents")["ents_f"] > 0.2

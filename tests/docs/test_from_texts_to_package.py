"""From annotated texts to a package that others install, by the commands of the documentation."""

import os
import re
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
from tests.docs.pages import ROOT

pytestmark = pytest.mark.slow

QUICKSTART = ROOT / "projects" / "quickstart" / "assets"
TEXTS = 200
STEPS = ("--training.max_steps", "40", "--training.eval_frequency", "20")
INLINE = re.compile(r"\[([^|\[\]]+)\|(\w+)\]")


def read_bookings(path):
    """Rows with offsets, of restaurant8k."""
    for row in srsly.read_json(path):
        labels = [(label["valueSpan"], label["slot"]) for label in row.get("labels", ())]
        spans = [[s.get("startIndex", 0), s["endIndex"], slot] for s, slot in labels]
        yield {"text": row["userInput"]["text"], "entities": spans}


def read_inline(folder):
    """Rows with offsets, of texts such as `[Mira|PERSON] left.`."""
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            pieces = INLINE.split(line)
            if len(pieces) > 1:
                text, spans = "", []
                for before, name, label in zip(*[iter([*pieces, "", ""])] * 3, strict=True):
                    text += before
                    if label:
                        spans.append([len(text), len(text) + len(name), label])
                    text += name
                yield {"text": text, "entities": spans}


def read_rows():
    """Real bookings, or where they are not at hand the texts of a project."""
    bookings = SHARED / "data" / "restaurant8k" / "train_0.json"
    rows = read_bookings(bookings) if bookings.is_file() else read_inline(QUICKSTART)
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
    assert Scorer.score_spans(examples, "ents")["ents_f"] > 0.3

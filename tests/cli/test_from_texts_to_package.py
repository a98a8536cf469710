"""The commands of the documentation in a row, each in a process of its own, as users run them."""

import json
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

TEXTS = 400
STEPS = ("--training.max_steps", "60", "--training.eval_frequency", "30")
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


QUICKSTART = ROOT / "projects" / "quickstart" / "assets"


@pytest.fixture
def run(tmp_path):
    """Run a module of Python in the folder of this test; returns what it prints."""

    def run_module(*args, packages: Path | None = None):
        env = {**os.environ, "PYTHONPATH": str(packages)} if packages else None
        command = [sys.executable, "-m", *map(str, args)]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run_module


def entities_of(doc):
    return [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents]


def test_from_offsets_to_an_installed_pipeline(tmp_path, run):
    srsly.write_jsonl(tmp_path / "data.jsonl", read_rows())
    run("spacy", "deberta", "prepare", "data.jsonl", "corpus", "--json")
    run("spacy", "deberta", "init-config", "config.cfg", "--pipeline", "ner")
    corpora = ("--paths.train", "corpus/train.spacy", "--paths.dev", "corpus/dev.spacy")
    run("spacy", "train", "config.cfg", *corpora, "--output", "out", *STEPS)

    (tmp_path / "packages").mkdir()
    name = ("--name", "bookings", "--version", "1.0.0")
    run("spacy", "package", "out/model-best", "packages", *name, "--build", "wheel")
    (wheel,) = (tmp_path / "packages").glob("*/dist/*.whl")
    run("pip", "install", "--quiet", "--no-deps", "--no-index", "--target", "site", wheel)
    # It needs nothing of what it was made of.
    (tmp_path / "out").rename(tmp_path / "elsewhere")

    texts = [row["text"] for row in srsly.read_jsonl(tmp_path / "data.jsonl")][:20]
    srsly.write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in texts])
    script = (
        "import spacy, srsly; nlp = spacy.load('en_bookings'); "
        "docs = nlp.pipe(row['text'] for row in srsly.read_jsonl('texts.jsonl')); "
        "srsly.write_json('found.json', [doc.to_json()['ents'] for doc in docs])"
    )
    (tmp_path / "load.py").write_text(script, encoding="utf-8")
    run("load", packages=tmp_path / "site")
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    nlp = spacy.load(tmp_path / "elsewhere" / "model-best")
    expected = [entities_of(doc) for doc in nlp.pipe(texts)]
    assert [[[e["start"], e["end"], e["label"]] for e in ents] for ents in found] == expected

    gold = list(DocBin().from_disk(tmp_path / "corpus" / "dev.spacy").get_docs(nlp.vocab))
    examples = [Example(nlp(doc.text), doc) for doc in gold]
    assert Scorer.score_spans(examples, "ents")["ents_f"] > 0.3

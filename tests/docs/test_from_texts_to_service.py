"""From annotated texts to a package and a service, by the commands of the documentation."""

import os
import random
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import spacy
import srsly
from spacy.scorer import Scorer
from spacy.tokens import DocBin
from spacy.training import Example

from tests.conftest import SHARED

pytestmark = pytest.mark.slow

DEBERTA = (sys.executable, "-m", "spacy", "deberta")
TEXTS = 200
# The fixtures of this process do not reach others, where "auto" may be bf16.
PRECISION = ("--components.transformer.model.precision", "fp32")
STEPS = ("--training.max_steps", "40", "--training.eval_frequency", "40")


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


def shorten(ents):
    return [(ent["start"], ent["end"], ent["label"]) for ent in ents]


def annotate_in_bulk(env):
    """The entities of `data.jsonl`, in the order of its rows."""
    command = ("annotate", "en_bookings", "data.jsonl", "annotated", "--workers", "1")
    subprocess.run([*DEBERTA, *command], env=env, check=True)
    parts = sorted(Path("annotated").glob("part-*.jsonl"))
    return [shorten(row["ents"]) for part in parts for row in srsly.read_jsonl(part)]


def annotate_by_request(env, texts):
    """The entities of texts, from the service."""
    command = [*DEBERTA, "serve", "en_bookings", "--port", "0"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            # The address is known before the pipeline is loaded.
            transport = httpx.HTTPTransport(retries=8)
            with httpx.Client(base_url=address, transport=transport, timeout=60) as client:
                answer = client.post("/annotate", json={"texts": texts})
        finally:
            process.terminate()
    assert process.returncode == 0
    return [shorten(doc["ents"]) for doc in answer.raise_for_status().json()["docs"]]


def test_from_offsets_to_an_annotating_service(tmp_path, monkeypatch, run_spacy):
    monkeypatch.chdir(tmp_path)
    srsly.write_jsonl("data.jsonl", read_rows())
    run_spacy("deberta", "prepare", "data.jsonl", "corpus")
    run_spacy("deberta", "init-config", "config.cfg", "--pipeline", "ner")
    corpora = ("--paths.train", "corpus/train.spacy", "--paths.dev", "corpus/dev.spacy")
    run_spacy("train", "config.cfg", *corpora, "--output", "out", *STEPS, *PRECISION)

    Path("packages").mkdir()
    name = ("--name", "bookings", "--version", "1.0.0")
    run_spacy("package", "out/model-best", "packages", *name, "--build", "wheel")
    (wheel,) = Path("packages").glob("*/dist/*.whl")
    install = ("pip", "install", "--quiet", "--no-deps", "--no-index", "--target", "site", wheel)
    subprocess.run([sys.executable, "-m", *install], check=True)

    # The package needs nothing of what it was made of; other processes find it by its name.
    Path("out").rename("elsewhere")
    env = {**os.environ, "PYTHONPATH": "site"}
    nlp = spacy.load("elsewhere/model-best")
    texts = [row["text"] for row in srsly.read_jsonl("data.jsonl")]
    expected = [shorten(doc.to_json()["ents"]) for doc in nlp.pipe(texts)]
    assert annotate_in_bulk(env) == expected
    assert annotate_by_request(env, texts[:20]) == expected[:20]

    gold = list(DocBin().from_disk("corpus/dev.spacy").get_docs(nlp.vocab))
    examples = [Example(nlp(doc.text), doc) for doc in gold]
    assert Scorer.score_spans(examples, "ents")["ents_f"] > 0.2

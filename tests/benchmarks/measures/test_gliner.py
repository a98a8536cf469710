"""GLiNER is measured against processes that answer requests, or alone."""

import sys
from contextlib import ExitStack
from dataclasses import replace

import pytest

from benchmarks.measures import gliner
from benchmarks.measures.results import Results
from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import gliner as peers
from tests.benchmarks.measures.test_measuring import whos

pytestmark = pytest.mark.slow

ANSWERS = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "load" and request["component"]:
        break
    print(json.dumps({"memory": {"gib": 3.0}}.get(request["do"], {})), flush=True)
"""


@pytest.fixture
def results():
    return Results(name="gliner", header={})


def test_ours_is_measured_against_a_process_that_answers(settings, results, tmp_path, monkeypatch):
    (tmp_path / "answers.py").write_text(ANSWERS, encoding="utf-8")
    monkeypatch.setattr(peers, "PROCESS", tmp_path / "answers.py")
    monkeypatch.setattr(gliner, "run_fresh", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(gliner, "OURS", {"ours": "fp32", "ours, int8": "int8"})
    python = replace(settings, gliner_python=sys.executable, work=tmp_path)
    gliner.run(python, results)
    everybody = {"ours", "ours, int8", "gliner"}
    for case in ({"texts": "sentences", "labels": 8}, {"texts": "paragraphs", "labels": 25}):
        assert whos(results, "words/s", **case) == everybody
    assert whos(results, texts="one sentence") == everybody
    assert whos(results, what="training") == everybody - {"ours, int8"}
    assert results.find("gliner", "GiB", what="memory").value == 3.0
    # Its process ends, as without the package.
    found = results.find("gliner-spacy", "words/s", texts="sentences")
    assert "ended" in found.why


def test_without_an_environment_there_are_no_peers(settings):
    with ExitStack() as stack, pytest.raises(CannotMeasureError, match="--gliner-python"):
        gliner._start(stack, settings, settings.work, component=False)


def test_texts_are_taken_until_they_have_the_words():
    assert gliner.take(["a b", "c", "d e"], 3) == ["a b", "c"]
    sentences = ["one two three"] * 50
    paragraphs = gliner.join_paragraphs(sentences)
    assert [len(text.split()) for text in paragraphs] == [129, 21]

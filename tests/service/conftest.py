"""Pipelines and services for the tests."""

import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import spacy
import uvicorn
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from spacy_deberta.service import ServiceSettings, make_app, open_socket
from tests.pipeline.pipelines import make_trained

# Texts with this word are not annotated before `gate` is open.
SLOW_WORD = "slowly"
# Texts with this word raise an error.
BAD_WORD = "explosive"
gate = threading.Event()
# Set while one of them waits.
waiting = threading.Event()


@Language.component("annotate_by_rules", assigns=["doc.ents", "doc.spans", "doc.cats"])
def annotate_by_rules(doc: Doc) -> Doc:
    """Annotations of all kinds that are known in advance: capitalized words, and their pairs."""
    capitalized = [token for token in doc if token.is_title]
    doc.ents = [Span(doc, token.i, token.i + 1, "NAME") for token in capitalized]
    if len(doc):
        found = [Span(doc, 0, len(doc), "ALL"), Span(doc, 0, 1, "FIRST")]
        doc.spans["sc"] = SpanGroup(doc, name="sc", spans=found, attrs={"scores": [0.75, 0.5]})
    doc.cats = {"LONG": min(1.0, len(doc) / 10), "SHORT": 1 - min(1.0, len(doc) / 10)}
    for token in doc:
        token.tag_ = token.pos_ = "PROPN" if token.is_title else "X"
        token.head = doc[max(token.i - 1, 0)]
        token.dep_ = "dep" if token.i else "ROOT"
    return doc


@Language.component("wait_or_fail")
def wait_or_fail(doc: Doc) -> Doc:
    if SLOW_WORD in doc.text:
        waiting.set()
        gate.wait(20)
    if BAD_WORD in doc.text:
        raise ZeroDivisionError("as it should")
    return doc


@pytest.fixture
def closed_gate():
    """Slow texts wait until this is set, at the latest at the end of the test."""
    gate.clear()
    waiting.clear()
    yield gate
    gate.set()


@pytest.fixture(scope="package")
def trained(tiny_checkpoint):
    """A pipeline with an encoder, entities and tags."""
    return make_trained(tiny_checkpoint, heads=("ner", "tagger"))


@pytest.fixture(scope="package")
def rules(tiny_checkpoint):
    """A pipeline whose annotations are known, with an encoder for its pieces."""
    nlp = make_trained(tiny_checkpoint, heads=(), steps=0)
    nlp.add_pipe("annotate_by_rules")
    nlp.add_pipe("wait_or_fail")
    return nlp


@pytest.fixture(scope="package")
def blank():
    nlp = spacy.blank("en")
    nlp.add_pipe("wait_or_fail")
    return nlp


@contextmanager
def serving(nlp, *, hosts=None, **settings):
    """A service in a thread, and a client of it."""
    app = make_app(nlp, settings=ServiceSettings(**settings), hosts=hosts)
    opened = open_socket("127.0.0.1", 0)
    url = f"http://127.0.0.1:{opened.getsockname()[1]}"
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            wait_until(lambda: server.started)
            wait_until(lambda: client.get("/health").status_code == 200)
            yield client
    finally:
        gate.set()
        server.should_exit = True
        thread.join(30)


def wait_until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def code_of(response):
    """The code of an error."""
    return response.json()["error"]["code"]

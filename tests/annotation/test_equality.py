"""The annotations are those of `nlp.pipe`, bit for bit, in one process and in several."""

import json

import numpy as np
import pytest
import spacy
import torch

from spacy_deberta.annotation import choosing
from tests.annotation.runs import Silent, contents_of, rows_of, run, write_jsonl
from tests.conftest import SENTENCES


@pytest.fixture(scope="module")
def vectors_pipeline(tmp_path_factory, tiny_checkpoint):
    """Vectors show every bit of the encoder's output."""
    nlp = spacy.blank("en")
    tok2vec = {"transformer": {"name": str(tiny_checkpoint)}}
    nlp.add_pipe("deberta_vectors", config={"model": {"tok2vec": tok2vec}})
    nlp.initialize()
    path = tmp_path_factory.mktemp("pipelines") / "vectors"
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def real_texts(tmp_path_factory):
    rows = [{"text": " ".join(SENTENCES[n % 10 : n % 10 + n % 4 + 1])} for n in range(40)]
    return write_jsonl(tmp_path_factory.mktemp("texts") / "texts.jsonl", rows)


def vectors_of(folder):
    return np.array([row["vector"] for row in rows_of(folder)], dtype=np.float32)


OPTIONS = {"batch_size": 8, "shard_size": 16, "vectors": True}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_vectors_are_those_of_a_plain_loop(workers, vectors_pipeline, real_texts, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        nlp = spacy.load(vectors_pipeline)
        texts = [json.loads(line)["text"] for line in real_texts.open()]
        expected = np.stack([doc.vector for doc in nlp.pipe(texts, batch_size=8)])
        run(vectors_pipeline, real_texts, tmp_path / "out", workers=workers, **OPTIONS)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(vectors_of(tmp_path / "out"), expected)


@pytest.mark.slow
def test_processes_are_chosen_by_a_measurement(vectors_pipeline, real_texts, tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    run(vectors_pipeline, real_texts, tmp_path / "one", **OPTIONS)
    report = Silent()
    # So few texts are not worth the measurement.
    run(vectors_pipeline, real_texts, tmp_path / "few", workers=None, report=report, **OPTIONS)
    assert not report.messages
    monkeypatch.setattr(choosing, "_SECONDS", 0.0)
    run(vectors_pipeline, real_texts, tmp_path / "auto", workers=None, report=report, **OPTIONS)
    assert "texts/s in one process with 2 threads" in report.messages[0]
    np.testing.assert_allclose(
        vectors_of(tmp_path / "auto"), vectors_of(tmp_path / "one"), atol=1e-5
    )
    assert contents_of(tmp_path / "few") == contents_of(tmp_path / "one")

"""The annotations are those of `nlp.pipe`, bit for bit, in one process and in several."""

import json
from typing import ClassVar

import numpy as np
import pytest
import spacy
import torch

from spacy_deberta.annotation import choosing
from spacy_deberta.annotation.runners import SeveralProcesses, build_worker
from tests.annotation.runs import Silent, contents_of, rows_of, run, write_jsonl
from tests.conftest import SENTENCES


@pytest.fixture(scope="module")
def vectors_pipeline(tmp_path_factory, tiny_checkpoint):
    """Vectors show every bit of the encoder's output."""
    nlp = spacy.blank("en")
    tok2vec = {"transformer": {"name": str(tiny_checkpoint), "precision": "fp32"}}
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


class FakePool:
    """Does in this process what the processes would do."""

    def __init__(self, job):
        self.compute = build_worker(job, threads=1)
        self.closed = False

    def wait_until_built(self):
        pass

    def map(self, tasks):
        return map(self.compute, tasks)

    def close(self):
        self.closed = True


class FakeProcesses(SeveralProcesses):
    made: ClassVar[list["FakeProcesses"]] = []

    def __init__(self, job, count):
        self._batch_size = job.batch_size
        self.pool = FakePool(job)
        self.made.append(self)


@pytest.mark.parametrize(("together", "chosen"), [(3.0, "one"), (1.0, "2")])
def test_processes_are_chosen_by_a_measurement(
    together, chosen, vectors_pipeline, real_texts, tmp_path, monkeypatch
):
    times = iter((2.0, together))

    def measure(run):
        run()
        return next(times)

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(choosing, "SeveralProcesses", FakeProcesses)
    report = Silent()
    options = {**OPTIONS, "workers": None, "report": report}
    # So few texts are not worth a second process.
    run(vectors_pipeline, real_texts, tmp_path / "few", **options)
    assert not report.messages
    monkeypatch.setattr(choosing, "_SECONDS", 0.0)
    monkeypatch.setattr(choosing, "_measure", measure)
    run(vectors_pipeline, real_texts, tmp_path / "auto", **options)
    assert report.messages == [
        "Measuring one process with 2 threads, and 2 with one thread each",
        f"One process: 20.0 texts/s, 2 processes: {40 / together:.1f} texts/s. Using {chosen}",
    ]
    assert FakeProcesses.made[-1].pool.closed
    assert contents_of(tmp_path / "auto") == contents_of(tmp_path / "few")

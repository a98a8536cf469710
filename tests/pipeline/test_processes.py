"""Worker processes of `nlp.pipe(n_process=2)` share the weights of their parent."""

import multiprocessing
import os
import re
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from tests.pipeline.pipelines import TRAIN_DATA, encoder_of, make_trained

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="needs Linux, which tells what is shared"
)
TEXTS = [text for text, _ in TRAIN_DATA] * 4
_MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \d+ *(.*)$")


def memory_of(parameters):
    """The mapping of each parameter: its file, its flags, and its private kilobytes."""
    mappings = []
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if match := _MAPPING.match(line):
            start, end, flags, path = match.groups()
            mappings.append([int(start, 16), int(end, 16), flags, path, 0])
        elif line.startswith("Anonymous:"):
            mappings[-1][4] = int(line.split()[1])
    for parameter in parameters:
        address = parameter.data_ptr()
        yield next(m[2:] for m in mappings if m[0] <= address < m[1])


@Language.factory("memory_probe")
class MemoryProbe:
    """Stores the mappings of the weights in the worker on each document."""

    def __init__(self, nlp, name):
        self.encoder = None

    def __call__(self, doc):
        found = list(memory_of(self.encoder.parameters()))
        doc.user_data["memory"] = [os.getpid(), found]
        return doc


@pytest.fixture
def loaded(tiny_checkpoint, tmp_path, map_small_files):
    """A pipeline whose weights are mapped, with a probe at its end."""
    make_trained(tiny_checkpoint, heads=("tagger",), steps=1).to_disk(tmp_path / "pipeline")
    nlp = spacy.load(tmp_path / "pipeline")
    nlp.add_pipe("memory_probe").encoder = encoder_of(nlp)
    return nlp


def memory_of_workers(nlp, method, monkeypatch):
    monkeypatch.setattr(spacy.language, "mp", multiprocessing.get_context(method))
    docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=4))
    assert [doc.text for doc in docs] == TEXTS
    by_process = {doc.user_data["memory"][0]: doc.user_data["memory"][1] for doc in docs}
    assert len(by_process) == 2
    assert os.getpid() not in by_process
    return by_process.values()


def test_forked_workers_read_the_mapped_file(loaded, monkeypatch):
    for memory in memory_of_workers(loaded, "fork", monkeypatch):
        for _, path, own_kilobytes in memory:
            assert path.endswith("model.safetensors")
            assert own_kilobytes == 0


@pytest.mark.slow
def test_spawned_workers_share_one_copy(loaded, monkeypatch):
    for memory in memory_of_workers(loaded, "spawn", monkeypatch):
        for flags, _, own_kilobytes in memory:
            assert flags[3] == "s"
            assert own_kilobytes == 0

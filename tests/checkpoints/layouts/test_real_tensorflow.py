"""Reading and writing files of TensorFlow itself: `make test-tf`, or SPACY_DEBERTA_TF_PYTHON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import spacy_deberta
from spacy_deberta.checkpoints import find_checkpoint
from spacy_deberta.models import convert_checkpoint
from tests.huggingface import VARIANTS, randomize

pytestmark = [pytest.mark.tf, pytest.mark.slow]

SCRIPT = Path(__file__).with_name("tensorflow_side.py")
CLASSES = [
    "DebertaV2Model",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
]
NARROW = {"vocab_size": 60, "position_buckets": 16}
CONFIGS = {
    "v3": {**VARIANTS["v3"], **NARROW},
    "v2": {**VARIANTS["v2"], **NARROW},
    "own-projections": {**VARIANTS["own-projections"], **NARROW, "type_vocab_size": 2},
}
JOBS = {
    f"{cls}-{variant}": {"cls": cls, "config": config, "options": {}}
    for cls in CLASSES
    for variant, config in CONFIGS.items()
}
SPLIT = {
    "DebertaV2ForTokenClassification-split": {
        "cls": "DebertaV2ForTokenClassification",
        "config": CONFIGS["v3"],
        "options": {"max_shard_size": "20KB"},
    }
}


def tensorflow_python():
    """The interpreter with TensorFlow, or a skip."""
    python = os.environ.get("SPACY_DEBERTA_TF_PYTHON", sys.executable)
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') is None)"
    if subprocess.run([python, "-c", look], check=False).returncode:
        pytest.skip("needs TensorFlow: `make test-tf`, or set SPACY_DEBERTA_TF_PYTHON")
    return python


def inputs_of(job):
    """Two sequences, one of them padded; for multiple choice, three choices each."""
    generator = np.random.default_rng(3)
    shape = (2, 3, 20) if job["cls"].endswith("MultipleChoice") else (2, 20)
    inputs = {
        "input_ids": generator.integers(4, 60, shape, dtype=np.int32),
        "attention_mask": np.ones(shape, dtype=np.int32),
    }
    inputs["attention_mask"][-1, ..., 13:] = 0
    if job["config"]["type_vocab_size"]:
        inputs["token_type_ids"] = generator.integers(0, 2, shape, dtype=np.int32)
    return inputs


def write_jobs(folder, jobs):
    (folder / "jobs.json").write_text(json.dumps(jobs))
    for name, job in jobs.items():
        np.savez(folder / f"{name}.inputs.npz", **inputs_of(job))


def run_tensorflow(action, folder):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [tensorflow_python(), str(SCRIPT), action, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr[-4000:]


def run_ours(job, folder):
    model = getattr(spacy_deberta, job["cls"]).from_pretrained(folder)
    inputs = {name: torch.from_numpy(value).long() for name, value in inputs_of(job).items()}
    with torch.no_grad():
        output = model(**inputs)
    return {name: value.numpy() for name, value in vars(output).items() if value is not None}


def compare(ours, theirs, job):
    assert set(ours) == set(theirs)
    mask = inputs_of(job)["attention_mask"].astype(bool)
    for name, values in ours.items():
        expected = theirs[name]
        assert values.shape == expected.shape, name
        # One row for each piece: rows of padding are undefined.
        of_pieces = values.shape[:2] == mask.shape
        difference = np.abs(values - expected)[mask if of_pieces else ...]
        assert difference.max() < 1e-5, name
        assert np.abs(expected).max() > 0.1, name


@pytest.fixture(scope="module")
def saved_by_tensorflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorflow")
    write_jobs(folder, {**JOBS, **SPLIT})
    run_tensorflow("save", folder)
    return folder


@pytest.fixture(scope="module")
def saved_by_us(tmp_path_factory):
    """Random models, saved, converted, and run by TensorFlow."""
    tensorflow_python()
    folder = tmp_path_factory.mktemp("ours")
    write_jobs(folder, JOBS)
    for name, job in JOBS.items():
        # The masked language model that TensorFlow has.
        config = {**job["config"], "legacy": True, "id2label": {"0": "A", "1": "B"}}
        model = getattr(spacy_deberta, job["cls"])(spacy_deberta.DebertaV2Config.from_dict(config))
        randomize(model)
        model.save_pretrained(folder / f"{name}-source")
        converted = convert_checkpoint(folder / f"{name}-source", folder / name, to="tensorflow")
        assert converted.architecture == job["cls"]
        assert not converted.left_out
    run_tensorflow("load", folder)
    return folder


@pytest.mark.parametrize("name", [*JOBS, *SPLIT])
def test_we_read_what_it_saves(name, saved_by_tensorflow):
    job = {**JOBS, **SPLIT}[name]
    files = find_checkpoint(saved_by_tensorflow / name)
    assert files.layout == "tensorflow"
    assert (len(files.weights) > 1) == (name in SPLIT)
    theirs = np.load(saved_by_tensorflow / f"{name}.npz")
    compare(run_ours(job, saved_by_tensorflow / name), theirs, job)


@pytest.mark.parametrize("name", JOBS)
def test_it_reads_what_we_write(name, saved_by_us):
    theirs = np.load(saved_by_us / f"{name}.npz")
    compare(run_ours(JOBS[name], saved_by_us / f"{name}-source"), theirs, JOBS[name])


@pytest.mark.parametrize("name", JOBS)
def test_files_are_alike(name, saved_by_tensorflow, saved_by_us):
    """The same layers, names, shapes and types."""
    h5py = pytest.importorskip("h5py")

    def content(folder):
        with h5py.File(folder / name / "tf_model.h5") as file:
            assert file.attrs["backend"] == "tensorflow"
            return {
                # Models and layers made later in one process have a number in their name.
                "dropout" if layer.startswith("dropout") else layer: {
                    path: (file[layer][path].shape, file[layer][path].dtype)
                    for path in file[layer].attrs["weight_names"]
                }
                for layer in file.attrs["layer_names"]
            }

    ours, theirs = content(saved_by_us), content(saved_by_tensorflow)
    assert list(ours) == list(theirs)
    for mine, its in zip(ours.values(), theirs.values(), strict=True):
        assert {p.partition("/")[2]: v for p, v in mine.items()} == {
            p.partition("/")[2]: v for p, v in its.items()
        }

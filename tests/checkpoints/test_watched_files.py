"""Mapped weights whose file is modified while they are in use."""

import copy
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import torch

from spacy_deberta.models import DebertaV2ForSequenceClassification, DebertaV2Model
from spacy_deberta.models.loading import filling
from tests.checkpoints.folders import official_extras, prefixed

OPEN_FILES = Path("/proc/self/fd")
SUFFIXES = (".safetensors", ".bin")
FORMS = ["safetensors", "safetensors shards", "bin"]


def weights_file(folder):
    return next(
        path for path in sorted(folder.iterdir()) if path.suffix in (".safetensors", ".bin")
    )


def other_weights(weights):
    return {key: tensor + 1 for key, tensor in weights.items()}


def copy_over(path, other):
    """Like `cp`: overwrite the content of an existing file."""
    shutil.copyfile(other, path)


def cut_off(path, other):
    os.truncate(path, 100)


def append(path, other):
    with path.open("ab") as file:
        file.write(b"\0")


def write_inside(path, other):
    with path.open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\0" * 8)


@pytest.mark.parametrize("change", [copy_over, cut_off, append, write_inside])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("has_run", [False, True])
def test_a_file_that_is_written_to_is_noticed(
    change, form, has_run, make_checkpoint, weights, rows, map_small_files
):
    folder = make_checkpoint(form=form)
    other = weights_file(make_checkpoint("other", weights=other_weights(weights), form=form))
    model = DebertaV2Model.from_pretrained(folder)
    if has_run:
        rows(model)
    change(weights_file(folder), other)
    for use in (rows, DebertaV2Model.state_dict):
        with pytest.raises(OSError, match=r"E329.*rename"):
            use(model)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_renamed_over_is_no_change(
    form, make_checkpoint, weights, rows, expected_rows, map_small_files
):
    folder = make_checkpoint(form=form)
    other = make_checkpoint("other", weights=other_weights(weights), form=form)
    model = DebertaV2Model.from_pretrained(folder)
    for path in other.iterdir():
        path.replace(folder / path.name)
    assert rows(model).equal(expected_rows)
    assert not rows(DebertaV2Model.from_pretrained(folder)).equal(expected_rows)
    shutil.rmtree(folder)
    assert rows(model).equal(expected_rows), "nor is a file that is deleted"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["small file", "option"])
def test_weights_that_are_read_stay_as_they_are(
    way, form, make_checkpoint, rows, expected_rows, monkeypatch
):
    if way == "option":
        monkeypatch.setattr(filling, "MIN_MAPPED_BYTES", 0)
    folder = make_checkpoint(form=form)
    model = DebertaV2Model.from_pretrained(folder, map_weights=way == "small file")
    for path in folder.iterdir():
        os.truncate(path, 100)
    assert rows(model).equal(expected_rows)


def test_a_copy_in_memory_does_not_depend_on_the_file(
    make_checkpoint, rows, expected_rows, map_small_files
):
    folder = make_checkpoint()
    model = DebertaV2Model.from_pretrained(folder)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.double().float()]
    os.truncate(weights_file(folder), 100)
    for copied in copies:
        assert rows(copied).equal(expected_rows)


def test_a_copy_of_what_was_written_to_is_refused(make_checkpoint, map_small_files):
    folder = make_checkpoint()
    model = DebertaV2Model.from_pretrained(folder)
    write_inside(weights_file(folder), None)
    for make_copy in (copy.deepcopy, pickle.dumps):
        with pytest.raises(OSError, match="E329"):
            make_copy(model)


def test_a_head_notices_too(make_checkpoint, weights, tiny_config, rows, map_small_files):
    """The modules of a head check too, because they may run on the encoder of another model."""
    extras = {
        key: tensor
        for key, tensor in official_extras(tiny_config).items()
        if key.startswith(("pooler.", "classifier."))
    }
    config = {**tiny_config, "num_labels": 3}
    folder = make_checkpoint(weights={**prefixed(weights), **extras}, config=config)
    model = DebertaV2ForSequenceClassification.from_pretrained(folder)
    encoded = model.deberta(torch.tensor([[5, 6, 7]])).last_hidden_state
    write_inside(weights_file(folder), None)
    for part in (lambda: model.classifier(encoded), lambda: model(torch.tensor([[5, 6, 7]]))):
        with pytest.raises(OSError, match="E329"):
            part()


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="needs Linux, which lists open files")
def test_no_file_stays_open(make_checkpoint, map_small_files):
    folder = make_checkpoint()
    before = len(list(OPEN_FILES.iterdir()))
    models = [DebertaV2Model.from_pretrained(folder) for _ in range(3)]
    assert len(list(OPEN_FILES.iterdir())) > before
    del models
    assert len(list(OPEN_FILES.iterdir())) == before


@pytest.mark.slow
@pytest.mark.parametrize("map_weights", [True, False])
def test_a_service_survives_a_copy_over_its_pipeline(
    map_weights, make_checkpoint, tmp_path, map_small_files
):
    """`cp` over a live folder ends a process that reads what was cut off, without an error."""
    nlp = spacy.blank("en")
    block = {"@architectures": "spacy-deberta.DebertaV2Model.v1", "name": str(make_checkpoint())}
    nlp.add_pipe("deberta", config={"model": block})
    nlp.initialize()
    nlp.to_disk(tmp_path / "live")
    script = f"""
import os, spacy
from spacy_deberta.models.loading import filling
filling.MIN_MAPPED_BYTES = 0
settings = {{"components": {{"deberta": {{"model": {{"map_weights": {map_weights}}}}}}}}}
nlp = spacy.load({str(tmp_path / "live")!r}, config=settings)
before = nlp("a text")._.trf_data.model_output.last_hidden_state
os.truncate({str(tmp_path / "live" / "deberta" / "model" / "model.safetensors")!r}, 4096)
try:
    after = nlp("a text")._.trf_data.model_output.last_hidden_state
    print("same" if (before == after).all() else "other")
except OSError as error:
    print("E329" in str(error))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ("True" if map_weights else "same")

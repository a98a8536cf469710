"""An interrupted save leaves the old or the new files complete."""

from pathlib import Path

import pytest
import torch

from spacy_deberta.checkpoints import saving
from spacy_deberta.files import staged_folder
from spacy_deberta.files.leftovers import STAGING_PREFIX
from spacy_deberta.models import DebertaV2Model
from tests.checkpoints.folders import contents, names

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", ["save_file", "_write_json"])
@pytest.mark.parametrize("interruption", [OSError, KeyboardInterrupt])
def test_an_interrupted_save_leaves_everything(point, interruption, model, tmp_path, monkeypatch):
    model.save_pretrained(tmp_path, max_shard_bytes=20_000)
    before = contents(tmp_path)
    calls = []
    original = getattr(saving, point)

    def fail(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise interruption("stop")
        original(*args, **kwargs)

    monkeypatch.setattr(saving, point, fail)
    with pytest.raises(interruption, match="stop"):
        model.save_pretrained(tmp_path, max_shard_bytes=30_000, precision="fp16")
    assert contents(tmp_path) == before
    assert names(tmp_path) == sorted(before)


def failing_rename(after, fail):
    """`Path.rename`, but after some calls it fails, once."""
    rename, count = Path.rename, [0]

    def rename_or_fail(self, target):
        count[0] += 1
        if count[0] == after + 1:
            fail()
        return rename(self, target)

    return rename_or_fail


def test_a_save_that_fails_while_files_move_leaves_everything(model, tmp_path, monkeypatch):
    """For each file that can't be moved, like an open file on Windows."""
    model.save_pretrained(tmp_path, max_shard_bytes=30_000)
    before = contents(tmp_path)

    def fail():
        raise PermissionError("in use")

    for after in range(100):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", failing_rename(after, fail))
            try:
                model.save_pretrained(tmp_path, max_shard_bytes=30_000, precision="fp16")
            except PermissionError:
                assert contents(tmp_path) == before
                assert names(tmp_path) == sorted(before)
            else:
                break
    assert after > 10
    assert contents(tmp_path) != before
    DebertaV2Model.from_pretrained(tmp_path)


def test_leftovers_are_removed(model, tmp_path):
    leftover = tmp_path / f"{STAGING_PREFIX}killed" / "written"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half")
    model.save_pretrained(tmp_path)
    assert names(tmp_path) == ["config.json", "model.safetensors"]


def test_a_staged_folder_is_empty_and_goes_away(tmp_path):
    (tmp_path / "old").write_text("old")
    with staged_folder(tmp_path, replaces=["ol?"]) as staging:
        assert names(staging) == []
        (staging / "new").write_text("new")
        assert (tmp_path / "old").exists()
        assert not (tmp_path / "new").exists()
    assert contents(tmp_path) == {"new": b"new"}
    assert not staging.exists()


def test_meanwhile_the_old_checkpoint_can_be_read(model, tmp_path, monkeypatch, rows):
    model.save_pretrained(tmp_path)
    expected = rows(model)
    original = saving._write_json

    def write_json(path, content):
        original(path, content)
        assert rows(DebertaV2Model.from_pretrained(tmp_path)).equal(expected)

    monkeypatch.setattr(saving, "_write_json", write_json)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    model.save_pretrained(tmp_path)
    assert not rows(model).equal(expected)
    assert rows(DebertaV2Model.from_pretrained(tmp_path)).equal(rows(model))

"""Full and read-only disks, and the state of the disk after a power failure."""

import errno
import os
import re
from pathlib import Path

import pytest
from safetensors import SafetensorError

from spacy_deberta.pretraining import pretrain
from tests.pretraining.runs import losses_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/fd").is_dir(), reason="asks /proc for the paths of open files"
    ),
]


def path_of(descriptor):
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


# What the path of the file that does not fit matches, how it begins, and the code of the error that
# says so.
PLACES = {
    "config": (r"/training/\.saving-[^/]+/written$", b"[", "E735"),
    "corpus": (r"/corpus/\.saving-", b"", "E710"),
    "sequences": (r"/train/\.saving-[^/]+/written$", b"", "E710"),
    "log": (r"/training/log\.jsonl", b"", "E735"),
    "plot": (r"/training/\.saving-[^/]+/written$", b"<", "E735"),
    "checkpoint": (r"/training/\.saving-[^/]+/written/", b"", "E723"),
    "generator": (r"/model/generator/\.saving-", b"", "E734"),
    "model": (r"/model/\.saving-", b"", "E734"),
}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("place", PLACES)
def test_a_write_that_fails_is_named_and_the_run_goes_on(
    place, number, config, tmp_path, monkeypatch
):
    pattern, beginning, code = PLACES[place]
    fsync = os.fsync

    def fail(descriptor):
        path = Path(path_of(descriptor))
        begins = not beginning or (path.is_file() and path.read_bytes().startswith(beginning))
        if re.search(pattern, str(path)) and begins:
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    folder, whole = tmp_path / "model", tmp_path / "whole"
    config["pretraining"].update(max_steps=4, save_every=2, eval_every=2)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        message = rf"^\[spacy-deberta {code}\].*{os.strerror(number)}"
        with pytest.raises(OSError, match=message) as raised:
            pretrain(config, folder)
    assert str(raised.value).count("[spacy-deberta") == 1
    pretrain(config, folder, resume=True)
    pretrain(config, whole)
    assert losses_of(folder) == losses_of(whole)
    names = [sorted(p.relative_to(root) for p in root.rglob("*")) for root in (folder, whole)]
    assert names[0] == names[1]


def test_weights_that_safetensors_cant_write_are_named(config, tmp_path, monkeypatch):
    def fail(tensors, path, **options):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("spacy_deberta.checkpoints.saving.save_file", fail)
    config["pretraining"].update(max_steps=2)
    with pytest.raises(OSError, match=r"^\[spacy-deberta E734\].*No space left.*--resume"):
        pretrain(config, tmp_path / "model")


def test_nothing_takes_its_place_before_it_is_on_the_disk(config, tmp_path, monkeypatch):
    """After a power failure, a renamed file has only its flushed content."""
    flushed, unflushed_folders, renamed = {}, set(), []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def note_flush(descriptor):
        fsync(descriptor)
        path = Path(path_of(descriptor))
        if path.is_dir():
            unflushed_folders.discard(path)
        else:
            status = path.stat()
            flushed[status.st_ino] = (status.st_size, status.st_mtime_ns)

    def note_rename(source, target, move):
        source, target = Path(source), Path(target)
        if not target.name.startswith((".", "damaged-")):
            files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
            for path in files:
                status = path.stat()
                assert flushed.get(status.st_ino) == (status.st_size, status.st_mtime_ns), path
            unflushed_folders.add(target.parent)
            renamed.append(target.name)
        move(source, target)

    monkeypatch.setattr(os, "fsync", note_flush)
    monkeypatch.setattr(os, "rename", lambda *paths: note_rename(*paths, rename))
    monkeypatch.setattr(os, "replace", lambda *paths: note_rename(*paths, replace))
    config["pretraining"].update(max_steps=4, save_every=2)
    pretrain(config, tmp_path / "model")
    expected = {"config.cfg", "train", "sequences-48.bin", "loss.svg", "step-00000002"}
    assert {*expected, "step-00000004", "model.safetensors"} <= set(renamed)
    # The folder is flushed, too.
    staging = {path for path in unflushed_folders if ".saving-" in str(path)}
    assert unflushed_folders == staging


def test_the_rows_of_a_checkpoint_are_on_the_disk_before_it(config, tmp_path, monkeypatch):
    log, fsync, sizes = tmp_path / "model" / "training" / "log.jsonl", os.fsync, []

    def note(descriptor):
        fsync(descriptor)
        if path_of(descriptor) == str(log):
            sizes.append(log.stat().st_size)

    monkeypatch.setattr(os, "fsync", note)
    pretrain(config, tmp_path / "model")
    assert len(sizes) == 6
    assert sizes[-1] == log.stat().st_size

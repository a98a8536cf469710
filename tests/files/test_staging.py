"""Details of switching a staged save into place; `tests/fuzz` interrupts all kinds of saves."""

import json
import os
import subprocess
import sys

import pytest

from spacy_deberta.files import (
    CannotExchangeError,
    atomic_file,
    exchanged_folder,
    recover,
    staged_folder,
    staging,
)


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_tree(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def killed_save(folder, *, old, new, content=None):
    """The files of a process that was killed right after writing its journal."""
    staging = folder / ".saving-killed"
    write_tree(staging / "written", dict.fromkeys(new, "new"))
    write_tree(
        staging, {"lock": "", "journal.json": content or json.dumps({"old": old, "new": new})}
    )
    return staging


def test_a_folder_takes_the_place_of_a_file_and_a_file_that_of_a_folder(tmp_path):
    write_tree(tmp_path, {"model": "old", "cfg/a": "old", "cfg/b": "old", "mine": "mine"})
    with staged_folder(tmp_path) as written:
        write_tree(written, {"model/weights": "new", "cfg": "new"})
    assert tree(tmp_path) == {"model/weights": "new", "cfg": "new", "mine": "mine"}


def test_an_error_while_files_move_puts_files_and_folders_back(tmp_path, monkeypatch):
    write_tree(tmp_path, {"model": "old", "cfg/a": "old", "mine": "mine"})
    before, rename, moved = tree(tmp_path), type(tmp_path).rename, []

    def rename_or_fail(self, target):
        moved.append(target)
        if len(moved) == 5:
            raise PermissionError("in use")
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", rename_or_fail)
    with (
        pytest.raises(PermissionError, match="in use"),
        staged_folder(tmp_path) as written,
    ):
        write_tree(written, {"model/weights": "new", "model/config": "new", "cfg": "new"})
    assert tree(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cfg", "mine", "model"]


def test_recover_finishes_a_killed_save_once(tmp_path):
    write_tree(tmp_path, {"a": "old", "gone": "old", "mine": "mine"})
    killed_save(tmp_path, old=["a", "gone"], new=["a", "b/c"])
    assert recover(tmp_path / "b", levels=2) == [tmp_path]
    assert tree(tmp_path) == {"a": "new", "b/c": "new", "mine": "mine"}
    assert recover(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "link/outside", "a/../../outside", "", "..", "."]
)
@pytest.mark.parametrize("kind", ["old", "new"])
def test_a_forged_journal_moves_no_files_outside_of_its_folder(name, kind, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "target"
    write_tree(tmp_path, {"inside/a": "old", "outside": "mine", "target/outside": "mine"})
    (inside / "link").symlink_to(outside)
    names = {"old": [], "new": []} | {kind: [str(tmp_path) + name if name[:1] == "/" else name]}
    killed_save(inside, old=[], new=[], content=json.dumps(names))
    before = tree(tmp_path)
    with pytest.raises(OSError, match="E341"):
        recover(inside)
    assert tree(tmp_path) == before


def test_links_of_a_forged_save_are_not_followed(tmp_path):
    write_tree(tmp_path, {"inside/a": "old", "target/a": "mine"})
    staging = killed_save(tmp_path / "inside", old=[], new=["a"])
    (staging / "written" / "a").unlink()
    (staging / "written").rmdir()
    (staging / "written").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="E341"):
        recover(tmp_path / "inside")
    assert (tmp_path / "target" / "a").exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"old": []}', '{"old": 1, "new": []}'])
def test_a_damaged_journal_is_refused(content, tmp_path):
    killed_save(tmp_path, old=[], new=["a"], content=content)
    with pytest.raises(OSError, match="E341"):
        recover(tmp_path)


def test_a_save_that_cannot_be_finished_is_an_error_and_kept(tmp_path, monkeypatch):
    write_tree(tmp_path, {"a": "old"})
    killed_save(tmp_path, old=["a"], new=["a"])
    before = tree(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "rename", lambda self, target: (tmp_path / "a/b").unlink())
        with pytest.raises(OSError, match="E340"):
            recover(tmp_path)
    assert {**tree(tmp_path), "a": "old"} == before
    recover(tmp_path)
    assert tree(tmp_path) == {"a": "new"}


SAVE = """
import sys, time
from pathlib import Path
from spacy_deberta.files import staged_folder
with staged_folder(Path(sys.argv[1])) as written:
    (written / "a").write_text("new")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no locks for this")
def test_the_save_of_a_living_process_is_left_alone_and_that_of_a_killed_one_removed(tmp_path):
    command = [sys.executable, "-c", SAVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            recover(tmp_path)
            (staging,) = tmp_path.iterdir()
            assert (staging / "written" / "a").read_text() == "new"
        finally:
            process.kill()
            process.wait()
    recover(tmp_path)
    assert list(tmp_path.iterdir()) == []


needs_exchange = pytest.mark.skipif(
    not staging.can_exchange(), reason="needs a system call that exchanges folders"
)


@needs_exchange
def test_an_exchange_keeps_what_it_does_not_write(tmp_path):
    folder = tmp_path / "pipeline"
    write_tree(folder, {"cfg": "old", "ner/model": "old", "ner/stale": "old", ".git/hook": "mine"})
    (folder / ".git" / "hook").chmod(0o555)
    (folder / "link").symlink_to("cfg")
    folder.chmod(0o750)
    with exchanged_folder(folder) as written:
        write_tree(written, {"cfg": "new", "ner/model": "new"})
        assert (folder / "cfg").read_text() == "old"
    assert tree(folder) == {
        "cfg": "new",
        "ner/model": "new",
        ".git/hook": "mine",
        "link": "new",
    }
    assert (folder / ".git" / "hook").stat().st_mode & 0o777 == 0o555
    assert folder.stat().st_mode & 0o777 == 0o750
    assert list(tmp_path.iterdir()) == [folder]


@needs_exchange
def test_an_exchange_through_a_link_replaces_its_target(tmp_path):
    write_tree(tmp_path, {"v1/cfg": "old"})
    (tmp_path / "current").symlink_to("v1")
    with exchanged_folder(tmp_path / "current") as written:
        write_tree(written, {"cfg": "new"})
    assert (tmp_path / "current").is_symlink()
    assert (tmp_path / "v1" / "cfg").read_text() == "new"


@pytest.mark.parametrize("number", ["EINVAL", "EXDEV", "EBUSY", "ENOSYS"])
def test_a_disk_without_an_exchange_is_an_error_and_keeps_the_folder(number, tmp_path, monkeypatch):
    import errno

    def exchange(one, other):
        raise OSError(getattr(errno, number), number)

    write_tree(tmp_path, {"pipeline/cfg": "old"})
    monkeypatch.setattr(staging, "exchange", exchange)
    with pytest.raises(CannotExchangeError), exchanged_folder(tmp_path / "pipeline") as written:
        write_tree(written, {"cfg": "new"})
    assert tree(tmp_path) == {"pipeline/cfg": "old"}


def test_a_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "page"
    path.write_text("old")

    def write():
        with atomic_file(path) as file:
            file.write(b"ha")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert tree(tmp_path) == {"page": "old"}

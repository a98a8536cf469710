"""Pretraining that is killed at any file operation resumes with the same result.

A few operations by default, all of them with SPACY_DEBERTA_FUZZ=long in the environment.
"""

import multiprocessing
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from spacy_deberta import DebertaV2ForReplacedTokenDetection
from spacy_deberta.pretraining import pretrain
from tests.pretraining.conftest import make_texts
from tests.pretraining.runs import losses_of, make_config

pytestmark = pytest.mark.slow

LONG = os.environ.get("SPACY_DEBERTA_FUZZ") == "long"
# Audit events of file operations. `open` counts if the file is opened for writing.
OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SETTINGS = {"max_steps": 6, "save_every": 2, "eval_every": 6, "log_every": 1, "keep": 1}
PIECES = {"batch_pieces": 200, "eval_pieces": 100}

# One process imports everything once, and all runs are forked from it.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(
    [__name__, "matplotlib.backends.backend_svg", "spacy_deberta.distributed", "spacy_transformers"]
)


def run(config, folder, *, resume=False, kill_at=None):
    """Pretrain in another process.

    Returns the number of file operations that it made, or None if it was killed.
    """
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_here, args=(config, folder, resume, kill_at, sender))
    process.start()
    sender.close()
    process.join(120)
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0
    return receiver.recv()


def run_here(config, folder, resume, kill_at, sender):
    operations = 0

    def count(event, arguments):
        nonlocal operations
        if event not in OPERATIONS or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not arguments[2] & WRITING:
            return
        operations += 1
        if operations == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    pretrain(config, folder, resume=resume, gpu=-1)
    sender.send(operations)


def files_of(folder: Path):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny_vocabulary):
    """An uninterrupted run: its config, its folder, and its number of file operations."""
    folder = tmp_path_factory.mktemp("whole")
    texts = folder / "texts.txt"
    texts.write_text("\n\n".join(make_texts(40, seed=5)), encoding="utf-8")
    config = make_config(texts, tiny_vocabulary)
    config["pretraining"].update(**SETTINGS, **PIECES)
    return config, folder / "model", run(config, folder / "model")


def check(folder, whole):
    """Resume a killed run, and compare it with the uninterrupted one."""
    config, expected, _ = whole
    if (folder / "config.json").exists():
        DebertaV2ForReplacedTokenDetection.from_pretrained(folder)
    assert run(config, folder, resume=True) is not None
    assert losses_of(folder) == losses_of(expected)
    for name in ("model.safetensors", "generator/model.safetensors", "training/config.cfg"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes()
    assert files_of(folder) == files_of(expected)


def test_a_run_that_is_killed_at_a_file_operation_loses_nothing(whole, tmp_path):
    config, _, operations = whole
    assert operations > 100
    points = range(1, operations + 1) if LONG else range(3, operations, operations // 7)
    for point in points:
        folder = tmp_path / str(point)
        assert run(config, folder, kill_at=point) is None
        check(folder, whole)


def test_a_run_that_is_killed_while_it_goes_on_loses_nothing(whole, tmp_path):
    config, _, operations = whole
    random.seed(0)
    for number in range(200 if LONG else 2):
        folder = tmp_path / str(number)
        run(config, folder, kill_at=random.randint(operations // 4, operations))
        while run(config, folder, resume=True, kill_at=random.randint(1, operations)) is None:
            pass
        check(folder, whole)

"""Saves that are stopped at a file operation: by a kill, or by an error of the system.

Python reports each file operation to its audit hooks before it is done. What it does not report,
`fsync` and the writing of safetensors, is reported here. A save runs in a subprocess, in
which a hook counts and stops it.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from spacy_deberta.checkpoints import saving

FSYNC, NATIVE = "fuzz.fsync", "fuzz.native_write"
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod"}
# Operations that need disk space.
GROWING = {"open", "os.mkdir", "os.link", FSYNC, NATIVE}
SAVED, REFUSED, CRASHED = 0, 3, 4


@dataclass(frozen=True)
class Stop:
    """Where and how a save is stopped.

    Attributes:
        at: The number of the file operation, from 0.
        how: "kill" before it; "torn": kill it when a file is written in part; "once": an error;
            "disk full" and "no rights": errors from there on.
    """

    at: int
    how: str


def count_operations(save: Callable[[], None]) -> int:
    """Run a complete save in a child process, and count its file operations."""
    reader, writer = os.pipe()
    with _child() as child:
        if child.is_here:
            operations = _hook(lambda number, event, path: None)
            code = _run(save)
            os.write(writer, str(len(operations)).encode())
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    assert child.code == SAVED
    return int(text)


def stop_save(save: Callable[[], None], stop: Stop) -> int:
    """Run a save in a child process and stop it at an operation.

    Returns:
        `SAVED`, `REFUSED` for an `OSError`, or the number of the signal, negative.
    """
    with _child() as child:
        if child.is_here:
            _hook(_stopping(stop))
            os._exit(_run(save))
    assert child.code != CRASHED, "the save ended with another exception than OSError"
    return child.code


class _Child:
    def __init__(self) -> None:
        self.pid = os.fork()
        self.is_here = self.pid == 0
        self.code = SAVED


@contextmanager
def _child():
    sys.stdout.flush()
    sys.stderr.flush()
    child = _Child()
    try:
        yield child
    finally:
        if child.is_here:
            os._exit(CRASHED)
        child.code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])


def _run(save: Callable[[], None]) -> int:
    torch.set_num_threads(1)  # threads don't survive a fork
    try:
        save()
    except OSError:
        return REFUSED
    except BaseException:
        traceback.print_exc()
        return CRASHED
    return SAVED


def _hook(act: Callable[[int, str, str], None]) -> list[str]:
    """Call a function before every file operation, except for its own operations."""
    operations: list[str] = []
    busy = [False]

    def see(event, arguments):
        if busy[0] or not _changes_files(event, arguments):
            return
        busy[0] = True
        try:
            operations.append(event)
            act(len(operations) - 1, event, os.fspath(arguments[0]))
        finally:
            busy[0] = False

    fsync, save_file = os.fsync, saving.save_file

    def reported_fsync(descriptor):
        sys.audit(FSYNC, "")
        fsync(descriptor)

    def reported_save_file(tensors, path, **options):
        sys.audit(NATIVE, path)
        save_file(tensors, path, **options)

    os.fsync = reported_fsync
    saving.save_file = reported_save_file  # type: ignore[assignment]
    sys.addaudithook(see)
    return operations


def _changes_files(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR) if mode is None else set(mode) & set("wxa+")
        return bool(writes) and not isinstance(path, int) and not os.fspath(path).startswith("/dev")
    return event in CHANGES or event in (FSYNC, NATIVE)


def _stopping(stop):
    def act(number, event, path):
        if number < stop.at:
            return
        if stop.how == "torn" and event in ("open", NATIVE):
            Path(path).write_bytes(b"torn")
        if stop.how in ("kill", "torn"):
            os.kill(os.getpid(), signal.SIGKILL)
        if stop.how == "once" and number > stop.at:
            return
        if stop.how == "disk full" and event not in GROWING:
            return
        if event == NATIVE:
            raise SafetensorError("I/O error: it failed")
        number = errno.EACCES if stop.how == "no rights" else errno.ENOSPC
        raise OSError(number, os.strerror(number), path)

    return act

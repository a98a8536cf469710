"""Files and folders that a power failure does not take back."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

# Windows can't open a folder, and writes its changes down in order.
_FOLDERS_CAN_BE_FLUSHED = os.name != "nt"


def flush_file(path: Path) -> None:
    """Wait until the content of a file is on the disk.

    Args:
        path: The file.

    Raises:
        OSError: The disk is full or fails.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Wait until it is on the disk which files a folder has: after renaming in it, or removing.

    Args:
        path: The folder.

    Raises:
        OSError: The disk fails.
    """
    if not _FOLDERS_CAN_BE_FLUSHED:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there once all of it is written; what was there before stays until then.

    Args:
        path: The file, in a folder that is there.

    Yields:
        What to write to. It lies beside the file under a hidden name.

    Raises:
        OSError: It can't be written. What was there is still there.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file as `whole_file` does.

    Args:
        path: The file, in a folder that is there.
        data: All of it.

    Raises:
        OSError: It can't be written. What was there is still there.
    """
    with whole_file(path) as file:
        file.write(data)


def settle(folder: Path) -> None:
    """Give all files below a folder the mode that new files have, and wait until they are on disk.

    Some libraries write files that only their owner can read, whatever the umask says.

    Args:
        folder: Written by this process, and not used by others yet.

    Raises:
        OSError: The disk is full or fails.
    """
    mode = _mode_of_new_files(folder)
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)
            flush_file(path)
        flush_folder(Path(parent))


def _mode_of_new_files(folder: Path) -> int:
    """The mode by the umask and by the folder's own rules. To ask for the umask is to set it, for
    all threads, so a file is made.
    """
    probe = folder / f".{uuid4().hex}.tmp"
    probe.touch(exist_ok=False)
    try:
        return stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink()

"""Durable writes: files and folders that survive a power failure."""

import os
import stat
from pathlib import Path
from uuid import uuid4

# Windows can't open a folder, and journals its changes in order.
_FOLDERS_CAN_BE_FLUSHED = os.name != "nt"


def flush_file(path: Path) -> None:
    """Flush the content of a file to the disk.

    Args:
        path: The file.

    Raises:
        OSError: The disk is full or fails.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(path: Path) -> None:
    """Flush the entries of a folder to the disk, after renaming or removing files in it.

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


def flush_tree(folder: Path) -> None:
    """Give all files below a folder the mode of new files, and flush them to the disk.

    Some libraries ignore the umask and write files that only their owner can read.

    Args:
        folder: A folder that no other process uses yet.

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
    """The mode given by the umask and by the folder's access rules.

    Python can read the umask only by setting it, for all threads, so a file is created instead.
    """
    probe = folder / f".{uuid4().hex}.tmp"
    probe.touch(exist_ok=False)
    try:
        return stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink()

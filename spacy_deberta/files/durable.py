"""Files and folders that a power failure does not take back."""

import os
import stat
from pathlib import Path
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

"""Staging folders: the hidden folders that saves write into, their locks and their removal."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

STAGING_PREFIX = ".saving-"
LOCK = "lock"
JOURNAL = "journal.json"
# Files move in milliseconds, but a disk may be slow.
_SECONDS_TO_WAIT = 30.0
_SECONDS_BETWEEN = 0.01


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Create a hidden folder that is locked until the process ends.

    Args:
        parent: The folder to create it in.

    Yields:
        The folder. It is removed afterwards unless it has a journal, which must be finished first.

    Raises:
        OSError: It can't be created.
    """
    staging, lock = _make_locked(parent)
    try:
        yield staging
    finally:
        if not (staging / JOURNAL).exists():
            remove(staging)
        if lock is not None:
            os.close(lock)


def find_leftovers(folder: Path, *, recursive: bool = False) -> list[Path]:
    """The staging folders of saves to a folder that are running or were killed.

    Args:
        folder: The folder.
        recursive: Whether to include those of saves to its subfolders.
    """
    pattern = f"{'**/' * recursive}{STAGING_PREFIX}*"
    return [path for path in sorted(folder.glob(pattern)) if _is_real_folder(path)]


@contextmanager
def lock_leftover(staging: Path) -> Iterator[bool]:
    """Lock the staging folder of a save that was killed.

    Args:
        staging: A folder of `find_leftovers`. If a living process is moving its files, wait for it.

    Yields:
        Whether no process uses it, so that it has to be finished or removed.
    """
    if fcntl is None:
        # Without locks, living processes are unknown. One that left a journal is probably dead.
        yield (staging / JOURNAL).exists()
        return
    lock = _open_lock(staging)
    if lock is None:
        with suppress(OSError):  # a process was killed before it had locked or written anything
            staging.rmdir()
        yield False
        return
    try:
        yield _wait_for(staging, lock)
    finally:
        os.close(lock)


def has_lock(staging: Path) -> bool:
    """Whether the folder has a lock that shows if a living process uses it."""
    return fcntl is not None and (staging / LOCK).is_file()


def remove(staging: Path) -> None:
    """Remove a staging folder; what can't be removed is left for the next save.

    Args:
        staging: A folder without a journal, or with a finished one.
    """
    # Without its journal nothing in it is needed; with it, everything. The lock is removed last, so
    # that a partly removed folder is still known to be unused.
    with suppress(OSError):
        (staging / JOURNAL).unlink(missing_ok=True)
        for path in staging.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:
                path.unlink()
        (staging / LOCK).unlink(missing_ok=True)
        staging.rmdir()


def _make_locked(parent: Path) -> tuple[Path, int | None]:
    while True:
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=parent))
        # Before it is locked, another process may remove it as a leftover.
        with suppress(FileNotFoundError):
            lock = os.open(staging / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            if fcntl is None:
                os.close(lock)
                return staging, None
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (staging / LOCK).exists():
                return staging, lock
            os.close(lock)


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _open_lock(staging: Path) -> int | None:
    path = staging / LOCK
    try:
        return os.open(path, os.O_RDONLY) if path.is_file() else None
    except OSError:  # removed by its process, or no permission
        return None


def _wait_for(staging: Path, lock: int) -> bool:
    until = time.monotonic() + _SECONDS_TO_WAIT
    while not _try_lock(lock):
        if not (staging / JOURNAL).exists() or time.monotonic() > until:
            return False
        time.sleep(_SECONDS_BETWEEN)
    return staging.is_dir()


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

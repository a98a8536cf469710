"""The hidden folders that saves write into: whose they are, and how they go."""

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
    """A hidden folder that everybody can see to be in use, until the process ends.

    Args:
        parent: Where it is made.

    Yields:
        The folder. It goes afterwards, unless it has a journal: that still has to be done.

    Raises:
        OSError: It can't be made.
    """
    staging, lock = _make_locked(parent)
    try:
        yield staging
    finally:
        if not (staging / JOURNAL).exists():
            remove(staging)
        if lock is not None:
            os.close(lock)


def find_leftovers(folder: Path) -> list[Path]:
    """The hidden folders within a folder, of saves that go on or were killed."""
    return [path for path in sorted(folder.glob(f"{STAGING_PREFIX}*")) if _is_real_folder(path)]


@contextmanager
def taken_over(staging: Path) -> Iterator[bool]:
    """Get hold of the folder of a save that was killed.

    Args:
        staging: Of `find_leftovers`. If its process lives and moves its files, that is waited for.

    Yields:
        Whether nobody uses it, and something has to be done.
    """
    if fcntl is None:
        # Nobody can see who lives. Where there is a journal, its process died more likely than not.
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


def says_whose_it_is(staging: Path) -> bool:
    """Whether it can be seen if a living process uses the folder."""
    return fcntl is not None and (staging / LOCK).is_file()


def remove(staging: Path) -> None:
    """Remove a hidden folder; what can't be removed stays for the next save.

    Args:
        staging: Has no journal, or one that is done.
    """
    # Without its journal nothing in it is needed; with it, everything. The lock goes last, so that
    # a rest is still known to be nobody's.
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
        # Before it is locked, somebody who clears up may take it for a leftover.
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
    except OSError:  # removed by whoever had it, or not ours to open
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

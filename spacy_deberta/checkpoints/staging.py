"""A folder whose files are replaced together: all of them or none."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_deberta.errors import Errors

from .source import CONFIG_FILE

STAGING_PREFIX = ".saving-"


@contextmanager
def staged_folder(folder: Path, *, replaces: Iterable[str] = ()) -> Iterator[Path]:
    """A folder to write into, whose files move to `folder` together once all are written.

    If the writing or the moving fails half-way, what `folder` had is there as it was. If the
    process is killed while the files move, which takes milliseconds, the folder has no config and
    is refused: it never has the weights of one save and the config of another. One process at a
    time may save to a folder.

    Args:
        folder: Where the files shall be; made if it is missing. Other files in it stay.
        replaces: Patterns of files that go even where no new file takes their place.

    Yields:
        An empty folder on the same file system, for files, without folders in it.

    Raises:
        OSError: There can't be such a folder, as there is a file (E312).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OSError(Errors.E312.format(path=folder, error=error.strerror)) from error
    remove_unfinished(folder)
    staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=folder))
    try:
        written = staging / "written"
        written.mkdir()
        yield written
        _replace_files(written, folder, aside=staging / "replaced", replaces=replaces)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder that is there once everything in it is written, or not at all.

    Args:
        folder: Where it shall be; an empty folder may be there. Folders above it are made.

    Yields:
        An empty folder beside it, for files and folders.

    Raises:
        OSError: There is something already (E318), or there can't be such a folder (E312).
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(Errors.E318.format(path=folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=folder.parent))
    except OSError as error:
        raise OSError(Errors.E312.format(path=folder, error=error.strerror)) from error
    try:
        written = staging / "written"
        written.mkdir()
        yield written
        if folder.is_dir():
            folder.rmdir()
        written.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed had begun to write into a folder.

    Args:
        folder: Nobody else writes to it.
    """
    for leftover in folder.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _replace_files(written: Path, folder: Path, *, aside: Path, replaces: Iterable[str]) -> None:
    """Move files by renaming, and back again if one can't be.

    Renaming leaves a file that is mapped as it is for whoever mapped it.
    """
    aside.mkdir()
    new = {path.name for path in written.iterdir()}
    old = {path.name for pattern in replaces for path in folder.glob(pattern)}
    old.update(name for name in new if (folder / name).exists())
    # The config goes first and comes last: it is what makes a folder a checkpoint.
    moves = [
        *((folder / name, aside / name) for name in sorted(old, key=lambda n: n != CONFIG_FILE)),
        *((written / name, folder / name) for name in sorted(new, key=lambda n: n == CONFIG_FILE)),
    ]
    done: list[tuple[Path, Path]] = []
    try:
        for here, there in moves:
            here.rename(there)
            done.append((here, there))
    except BaseException:
        for here, there in reversed(done):
            there.rename(here)
        raise

"""A folder whose files are replaced together, or a file: all of it or nothing."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from spacy_deberta.errors import Errors

from .durable import flush_folder, settle
from .exchange import can_exchange, exchange
from .journal import WRITTEN, plan_switch, recover, remove_unfinished
from .leftovers import JOURNAL, STAGING_PREFIX, staging_folder

# With these, a folder can't be exchanged as a whole, while its files can still be replaced.
_NOT_AS_A_WHOLE = {errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTSUP, errno.EBUSY}


class CannotExchangeError(OSError):
    """The folder can't be exchanged as a whole on this system, on its disk or with these rights."""


@contextmanager
def staged_folder(
    folder: Path, *, replaces: Iterable[str] = (), last: Iterable[str] = ()
) -> Iterator[Path]:
    """A folder to write into, whose files move to `folder` together once all are written.

    If the writing or the moving fails half-way, what `folder` had is there as it was. If the
    process is killed while the files move, which takes milliseconds, `recover` finishes it. One
    process at a time may save to a folder.

    Args:
        folder: Where the files shall be; made if it is missing. Other files in it stay.
        replaces: Patterns of files that go even where no new file takes their place.
        last: Names of files that make a folder what it is. They go first and come last, so that
            whoever does not know of `recover` refuses the folder rather than reading a mixture.

    Yields:
        An empty folder on the same file system, for files and folders.

    Raises:
        OSError: There can't be such a folder, as there is a file (E312); or it can't be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OSError(Errors.E312.format(path=folder, error=error.strerror)) from error
    remove_unfinished(folder)
    with staging_folder(folder) as staging:
        written = staging / WRITTEN
        written.mkdir()
        yield written
        settle(written)
        switch = plan_switch(folder, staging, replaces=replaces, last=last)
        try:
            switch.record()
            switch.finish()
        except BaseException:
            # Should this fail as well, the journal stays, and `recover` does what it says.
            switch.undo()
            (staging / JOURNAL).unlink(missing_ok=True)
            raise
        with suppress(OSError):  # a journal that stays is finished once more, which moves nothing
            (staging / JOURNAL).unlink()


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
    with _written_beside(folder) as written:
        yield written
        settle(written)
        _put(written, folder)


@contextmanager
def exchanged_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `folder` in one step.

    At any moment, `folder` has all of the old or all of the new. What lies in it beside the new
    files and folders, stays; folders that are written anew are replaced as a whole.

    Args:
        folder: The folder; made if it is missing.

    Yields:
        An empty folder beside it, for files and folders.

    Raises:
        CannotExchangeError: The folder is not to be moved as a whole: it is where a disk is
            mounted, the system can't do it, or there are no rights to the folder above it. Nothing
            was changed.
        OSError: There can't be such a folder, as there is a file (E312); or it can't be written.
    """
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise OSError(Errors.E312.format(path=folder, error="it is a file"))
    recover(folder.parent)
    replaces = folder.is_dir() and any(folder.iterdir())
    if replaces and not _may_be_exchanged(folder):
        raise CannotExchangeError
    with _written_beside(folder) as written:
        yield written
        settle(written)
        if not replaces:
            _put(written, folder)
            return
        _take_along(folder, written)
        shutil.copymode(folder, written)
        flush_folder(written)
        try:
            exchange(written, folder)
        except OSError as error:
            if error.errno in _NOT_AS_A_WHOLE:
                raise CannotExchangeError from error
            raise
        flush_folder(folder.parent)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there once all of it is written; what was there before stays until then.

    Several processes may write the same file; the last one's stays.

    Args:
        path: The file, in a folder that is there.

    Yields:
        What to write to.

    Raises:
        OSError: It can't be written. What was there is still there.
    """
    recover(path.parent)
    with staging_folder(path.parent) as staging:
        written = staging / WRITTEN
        with written.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
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


@contextmanager
def _written_beside(folder: Path) -> Iterator[Path]:
    recover(folder.parent)
    with ExitStack() as stack:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            staging = stack.enter_context(staging_folder(folder.parent))
        except OSError as error:
            raise OSError(Errors.E312.format(path=folder, error=error.strerror)) from error
        written = staging / WRITTEN
        written.mkdir()
        yield written


def _put(written: Path, folder: Path) -> None:
    if folder.is_dir():
        folder.rmdir()
    written.rename(folder)
    flush_folder(folder.parent)


def _may_be_exchanged(folder: Path) -> bool:
    rights = os.access(folder.parent, os.W_OK | os.X_OK)
    return can_exchange() and rights and not os.path.ismount(folder)


def _take_along(folder: Path, written: Path) -> None:
    """Link what the new folder has not got, so that both have it until one is removed."""
    for path in folder.iterdir():
        copy = written / path.name
        if os.path.lexists(copy) or path.name.startswith(STAGING_PREFIX):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, copy, symlinks=True, copy_function=_link_or_copy)
        else:
            _link_or_copy(path, copy)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)

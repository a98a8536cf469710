"""Atomic writes of folders and files."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from spacy_deberta.errors import Errors

from .durable import flush_folder, flush_tree
from .exchange import can_exchange, exchange
from .journal import WRITTEN, plan_switch, recover, remove_unfinished
from .leftovers import JOURNAL, STAGING_PREFIX, find_leftovers, remove, staging_folder

# Errors that rule out an exchange of the whole folder; its files can still be replaced.
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.ENOTSUP, errno.EBUSY}


class CannotExchangeError(OSError):
    """The system, the file system or permissions do not allow to exchange the folder as a whole."""


@contextmanager
def staged_folder(
    folder: Path, *, replaces: Iterable[str] = (), last: Iterable[str] = ()
) -> Iterator[Path]:
    """A staging folder whose files move to `folder` together once all are written.

    If writing or moving fails, `folder` is restored. If the process is killed while the files move,
    which takes milliseconds, `recover` finishes the move. Only one process at a time may save to a
    folder.

    Args:
        folder: The target folder; created if it is missing. Other files in it are kept.
        replaces: Glob patterns of files to remove even without a new file of the same name.
        last: Names of the files that identify a complete folder. They are removed first and added
            last, so that readers that do not call `recover` refuse a mixture of old and new.

    Yields:
        An empty folder on the same file system, for files and folders.

    Raises:
        OSError: The path is a file (E312), or can't be written to.
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
        _complete(written)
        switch = plan_switch(folder, staging, replaces=replaces, last=last)
        try:
            switch.record()
            switch.finish()
        except BaseException:
            # If this fails as well, the journal stays, and `recover` follows it.
            switch.undo()
            (staging / JOURNAL).unlink(missing_ok=True)
            raise
        with suppress(OSError):  # a journal that is left is finished again, which moves nothing
            (staging / JOURNAL).unlink()


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Create a folder atomically: it exists once everything in it is written.

    Args:
        folder: The target folder, which may exist if it is empty. Its parents are created.

    Yields:
        An empty folder beside it, for files and folders.

    Raises:
        OSError: The path exists and is no empty folder (E318), or can't be a folder (E312).
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(Errors.E318.format(path=folder))
    with _written_beside(folder) as written:
        yield written
        _complete(written)
        _move_into_place(written, folder)


@contextmanager
def exchanged_folder(folder: Path) -> Iterator[Path]:
    """A staging folder that replaces `folder` in one step.

    At any moment, `folder` has all of the old files or all of the new. Other files and folders in
    it are kept; a folder that is written again is replaced as a whole.

    Args:
        folder: The target folder; created if it is missing.

    Yields:
        An empty folder beside it, for files and folders.

    Raises:
        CannotExchangeError: The folder can't be exchanged as a whole: it is a mount point, the
            system does not support it, or the parent folder is not writable. Nothing was changed.
        OSError: The path is a file (E312), or can't be written to.
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
        _complete(written)
        if not replaces:
            _move_into_place(written, folder)
            return
        _link_other_files(folder, written)
        shutil.copymode(folder, written)
        flush_folder(written)
        try:
            exchange(written, folder)
        except OSError as error:
            if error.errno in _NO_EXCHANGE:
                raise CannotExchangeError from error
            raise
        flush_folder(folder.parent)


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file atomically: an existing file is replaced once all of it is written.

    Several processes may write the same file; the last one wins.

    Args:
        path: The file, in an existing folder.

    Yields:
        An open file to write to.

    Raises:
        OSError: It can't be written. An existing file is unchanged.
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


def write_atomically(path: Path, data: bytes) -> None:
    """Write bytes to a file atomically.

    Args:
        path: The file, in an existing folder.
        data: The content.

    Raises:
        OSError: It can't be written. An existing file is unchanged.
    """
    with atomic_file(path) as file:
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


def _move_into_place(written: Path, folder: Path) -> None:
    if folder.is_dir():
        folder.rmdir()
    written.rename(folder)
    flush_folder(folder.parent)


def _may_be_exchanged(folder: Path) -> bool:
    rights = os.access(folder.parent, os.W_OK | os.X_OK)
    return can_exchange() and rights and not os.path.ismount(folder)


def _link_other_files(folder: Path, written: Path) -> None:
    """Hard-link the other files into the new folder: both have them until one is removed."""
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


def _complete(written: Path) -> None:
    """Flush what was written, after removing staging folders that inner saves have left in it."""
    for staging in find_leftovers(written, recursive=True):
        remove(staging)
    flush_tree(written)

"""Files that are replaced together, with a journal from which the next process can finish."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spacy_deberta.errors import Errors

from .durable import flush_file, flush_folder
from .leftovers import JOURNAL, find_leftovers, has_lock, lock_leftover, remove

WRITTEN = "written"
REPLACED = "replaced"


@dataclass(frozen=True, kw_only=True)
class Switch:
    """Replaces the files of one save by those of the next, by renaming.

    A new file is either in `written` or in the target folder, an old one either in the target
    folder or in `replaced`. So the state of each file is visible, and an interrupted switch can be
    finished or undone.

    Attributes:
        folder: The target folder.
        staging: A hidden folder on the same file system, with `written` and `replaced` in it.
        old: Paths of the files to remove, relative to the folder, in order.
        new: Paths of the files to add, relative to the folder, in order.
    """

    folder: Path
    staging: Path
    old: Sequence[str]
    new: Sequence[str]

    def record(self) -> None:
        """Write the journal. From here on, an interrupted switch will be finished by `recover`."""
        unfinished = self.staging / f"{JOURNAL}.tmp"
        content = {"old": list(self.old), "new": list(self.new)}
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        flush_file(unfinished)
        unfinished.rename(self.staging / JOURNAL)
        flush_folder(self.staging)

    def finish(self) -> None:
        """Move the files that are not moved yet.

        Raises:
            OSError: A file can't be moved.
        """
        written, replaced = self.staging / WRITTEN, self.staging / REPLACED
        coming = set(self.new)
        for name in self.old:
            is_new = name in coming and not os.path.lexists(written / name)
            if not is_new and not os.path.lexists(replaced / name):
                _move(self.folder / name, replaced / name)
        for name in self.new:
            _move(written / name, self.folder / name)
        for parent in _parents(self.folder, [*self.old, *self.new]):
            if parent.is_dir():
                flush_folder(parent)

    def undo(self) -> None:
        """Move all files back.

        Raises:
            OSError: A file can't be moved.
        """
        written, replaced = self.staging / WRITTEN, self.staging / REPLACED
        for name in reversed(self.new):
            if not os.path.lexists(written / name):
                _move(self.folder / name, written / name)
        for parent in _parents(self.folder, self.new):
            with suppress(OSError):  # it has other files
                if parent != self.folder:
                    parent.rmdir()
        for name in reversed(self.old):
            _move(replaced / name, self.folder / name)


def plan_switch(
    folder: Path, staging: Path, *, replaces: Iterable[str], last: Iterable[str]
) -> Switch:
    """Plan the moves that put all files of `staging/written` into the folder.

    Args:
        folder: The target folder.
        staging: A hidden folder in it.
        replaces: Glob patterns of files to remove even without a new file of the same name.
        last: Names of the files that identify a complete folder: removed first, added last.

    Returns:
        The plan; nothing is moved.
    """
    new = _find_new(folder, staging / WRITTEN)
    old = _find_old(folder, new, replaces)
    names = set(last)

    def is_last(name: str) -> bool:
        return PurePosixPath(name).name in names

    return Switch(
        folder=folder,
        staging=staging,
        old=sorted(old, key=lambda name: (not is_last(name), name)),
        new=sorted(new, key=lambda name: (is_last(name), name)),
    )


def recover(folder: Path, *, levels: int = 1) -> list[Path]:
    """Finish saves that were killed while moving files, and remove the leftovers of other saves.

    Saves of living processes are left alone; one that is moving its files is waited for.

    Args:
        folder: The folder to be read or written.
        levels: Number of folders to look at: 1 for this one, 2 for its parent, too.

    Returns:
        The folders in which a save had to be finished, as absolute paths.

    Raises:
        OSError: A save was killed while moving files, and can't be finished (E340, E341).
    """
    finished = []
    folder = folder.absolute()
    for place in reversed([folder, *folder.parents][:levels]):
        for staging in find_leftovers(place):
            with lock_leftover(staging) as is_free:
                if is_free and _end(staging, place):
                    finished.append(place)
    return finished


def remove_unfinished(folder: Path) -> None:
    """Recover, and also remove staging folders that may belong to a living process.

    Args:
        folder: A folder that no other process writes to.

    Raises:
        OSError: See `recover`.
    """
    recover(folder)
    for staging in find_leftovers(folder):
        if not has_lock(staging):
            remove(staging)


def _end(staging: Path, folder: Path) -> bool:
    """Finish a switch and remove its staging folder; whether there was a switch."""
    switch = _read_switch(folder, staging)
    if switch is not None:
        try:
            switch.finish()
        except OSError as error:
            raise OSError(Errors.E340.format(folder=folder, error=error)) from error
    remove(staging)
    return switch is not None


def _find_new(folder: Path, written: Path) -> set[str]:
    """Paths of the new files and of new empty folders."""
    new = set()
    for path in written.rglob("*"):
        name = path.relative_to(written).as_posix()
        if not path.is_dir() or not (any(path.iterdir()) or _is_real_folder(folder / name)):
            new.add(name)
    return new


def _find_old(folder: Path, new: Iterable[str], replaces: Iterable[str]) -> set[str]:
    """Paths of old files that new files replace, that block a new folder, or match a pattern."""
    old = {
        path.relative_to(folder).as_posix()
        for pattern in replaces
        for path in folder.glob(pattern)
        if not _is_real_folder(path)
    }
    for name in new:
        old |= {name} if os.path.lexists(folder / name) else set()
        parents = map(str, PurePosixPath(name).parents[:-1])
        old |= {
            parent
            for parent in parents
            if os.path.lexists(folder / parent) and not _is_real_folder(folder / parent)
        }
    # The contents of a removed folder are removed with it.
    return {name for name in old if not any(str(p) in old for p in PurePosixPath(name).parents)}


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _move(here: Path, there: Path) -> None:
    """Rename a path if it exists. Processes that mapped the file keep it."""
    if os.path.lexists(here):
        there.parent.mkdir(parents=True, exist_ok=True)
        here.rename(there)


def _parents(folder: Path, names: Iterable[str]) -> list[Path]:
    """All parent folders of files up to the root of the save, inner ones first."""
    inner = {folder / parent for name in names for parent in PurePosixPath(name).parents}
    return sorted(inner, key=lambda path: (-len(path.parts), path))


def _read_switch(folder: Path, staging: Path) -> Switch | None:
    """Read a journal. It is untrusted: it may not move anything outside of the folder."""
    path = staging / JOURNAL
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        old, new = ([str(name) for name in content[kind]] for kind in ("old", "new"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise OSError(Errors.E341.format(path=path, error=error)) from error
    for root in (folder, staging / WRITTEN, staging / REPLACED):
        for name in (*old, *new):
            if not _is_within(folder, root / name):
                reason = f"{name!r} is not within the folder"
                raise OSError(Errors.E341.format(path=path, error=reason))
    return Switch(folder=folder, staging=staging, old=old, new=new)


def _is_within(folder: Path, path: Path) -> bool:
    """Whether a path is below a folder, with links of its parent folders resolved."""
    return path.name not in ("", "..") and path.parent.resolve().is_relative_to(folder.resolve())

"""The folder of the output: its parts, the manifest, the log of parts that are complete."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from filelock import FileLock, Timeout

from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.files import atomic_file, remove_unfinished, write_atomically

from .counts import Counts
from .record_stream import Position

MANIFEST, LOG, LOCK = "manifest.json", "manifest.log", ".lock"
_VERSION = 1
# As `OutputFolder.file_of` names them. Those of Spark begin in the same way.
_PART = re.compile(r"part-\d{5,}\.(?:jsonl|parquet|spacy)")


class FinishedPart(NamedTuple):
    """A part that is complete.

    Attributes:
        size: Of its file, in bytes.
        position: Of its last record.
        counts: What is in it.
    """

    size: int
    position: Position
    counts: Counts


class OutputFolder:
    """The folder of an annotation, which one process at a time writes to.

    A part is written beside its place and renamed, and then noted in the log. A part that is not in
    the log is written again. So every record is in one part, whenever the process is killed.

    Args:
        path: The folder.
        suffix: Of the parts, such as "jsonl".
    """

    def __init__(self, path: Path, *, suffix: str) -> None:
        self.path = path
        self._suffix = suffix
        #: The parts that are complete, by their numbers.
        self.parts: dict[int, FinishedPart] = {}

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Create the folder, and lock it against other processes until this one ends.

        Raises:
            OSError: Another process writes to it (E812), or it can't be created.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OSError(Errors.E812.format(folder=self.path)) from error
        except NotImplementedError:
            warn(Warnings.W801.format(folder=self.path))
        try:
            yield
        finally:
            lock.release()

    def open(self, plan: Mapping[str, Any], *, overwrite: bool) -> bool:
        """Prepare the folder for a plan, and find the parts that are complete.

        Args:
            plan: What determines the output, as plain values.
            overwrite: Whether to remove an earlier output.

        Returns:
            Whether there is nothing to do.

        Raises:
            ValueError: The folder has the output of another plan (E813), or other files (E814).
        """
        remove_unfinished(self.path)
        if overwrite:
            self._remove_output()
        manifest = self._read_manifest()
        if manifest is None:
            others = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
            if others and not overwrite:
                raise ValueError(Errors.E814.format(folder=self.path, found=others[0]))
            self._write_manifest(plan, done=False)
            return False
        if differences := _differences(manifest.get("plan", {}), plan):
            if self._find_parts():
                raise ValueError(Errors.E813.format(folder=self.path, differences=differences))
            # The earlier command has written nothing: an option of it was wrong, for example.
            self._remove_output()
            self._write_manifest(plan, done=False)
            return False
        self._read_log()
        if manifest.get("done") and len(self.parts) == manifest.get("parts"):
            return True
        self._write_log()
        return False

    @contextmanager
    def part(self, number: int) -> Iterator[IO[bytes]]:
        """An open file that becomes a part, unless there is an error."""
        with atomic_file(self.file_of(number)) as file:
            yield file

    def note(self, number: int, position: Position, counts: Counts) -> None:
        """Note that a part is complete."""
        size = self.file_of(number).stat().st_size
        self.parts[number] = FinishedPart(size, position, counts)
        with (self.path / LOG).open("ab") as file:
            file.write(_to_line(number, self.parts[number]))
            file.flush()
            os.fsync(file.fileno())

    def finish(self, plan: Mapping[str, Any]) -> None:
        """Note in the manifest that all parts are complete."""
        self._write_manifest(plan, done=True)

    @property
    def counts(self) -> Counts:
        """What is in all parts."""
        total = Counts()
        for part in self.parts.values():
            total.update(part.counts)
        return total

    @property
    def first_missing(self) -> int:
        """Number of the first part that is not complete."""
        return next(n for n in range(len(self.parts) + 1) if n not in self.parts)

    def file_of(self, number: int) -> Path:
        """The file of a part."""
        return self.path / f"part-{number:05}.{self._suffix}"

    def _read_manifest(self) -> dict[str, Any] | None:
        path = self.path / MANIFEST
        if not path.exists():
            return None
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if manifest["version"] != _VERSION:
                raise ValueError(f"its version is {manifest['version']}, not {_VERSION}")
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(Errors.E815.format(path=path, error=error)) from error
        return dict(manifest)

    def _write_manifest(self, plan: Mapping[str, Any], *, done: bool) -> None:
        counts = self.counts.to_dict() if done else None
        parts = len(self.parts) if done else None
        manifest = {
            "version": _VERSION,
            "done": done,
            "parts": parts,
            "counts": counts,
            "plan": plan,
        }
        data = json.dumps(manifest, indent=1) + "\n"
        write_atomically(self.path / MANIFEST, data.encode())

    def _read_log(self) -> None:
        path = self.path / LOG
        lines = path.read_bytes().splitlines() if path.exists() else []
        for line in lines:
            try:
                number, part = _from_line(line)
                size = self.file_of(number).stat().st_size
            # The last line may be cut off, and a part may have been removed since.
            except (ValueError, TypeError, KeyError, OSError):
                continue
            if size == part.size:
                self.parts[number] = part

    def _write_log(self) -> None:
        lines = (_to_line(number, part) for number, part in sorted(self.parts.items()))
        write_atomically(self.path / LOG, b"".join(lines))

    def _find_parts(self) -> list[Path]:
        """The files that are named as parts are, of any format."""
        return sorted(path for path in self.path.glob("part-*") if _PART.fullmatch(path.name))

    def _remove_output(self) -> None:
        """The manifest last: until then, the folder is that of the earlier plan."""
        files = [self.path / LOG, *self._find_parts(), self.path / MANIFEST]
        for path in files:
            path.unlink(missing_ok=True)


def _to_line(number: int, part: FinishedPart) -> bytes:
    values = {
        "part": number,
        "size": part.size,
        "position": part.position,
        **part.counts.to_dict(),
    }
    return (json.dumps(values) + "\n").encode()


def _from_line(line: bytes) -> tuple[int, FinishedPart]:
    values = json.loads(line)
    position = Position(*values["position"])
    return values["part"], FinishedPart(values["size"], position, Counts.from_dict(values))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What differs between two plans, in words."""
    new = json.loads(json.dumps(new))
    found = []
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        if name == "inputs":
            found.append(_input_difference(old.get(name) or [], new.get(name) or []))
        else:
            found.append(f"{name} was {_short(old.get(name))} and is {_short(new.get(name))}")
    return "; ".join(found)


def _input_difference(old: list[Any], new: list[Any]) -> str:
    """Which input files were added, removed or changed."""
    before, after = ({entry["path"]: entry for entry in entries} for entries in (old, new))
    kinds = {
        "without": [path for path in before if path not in after],
        "with": [path for path in after if path not in before],
        "changed": [path for path in after if path in before and before[path] != after[path]],
    }
    named = [f"{kind} '{paths[0]}'" + _more(paths) for kind, paths in kinds.items() if paths]
    return f"the inputs are now {', '.join(named)}" if named else "the inputs have another order"


def _more(paths: list[str]) -> str:
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."

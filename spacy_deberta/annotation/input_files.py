"""The input files: globs and folders are expanded, and each file has a kind."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_deberta.errors import Errors
from spacy_deberta.files import COMPRESSIONS

JSONL, TEXT, CSV, TSV = ".jsonl", ".txt", ".csv", ".tsv"
PARQUET, DOC_BIN = ".parquet", ".spacy"
# Other common suffixes of the same kinds.
KINDS = {
    **{kind: kind for kind in (JSONL, TEXT, CSV, TSV, PARQUET, DOC_BIN)},
    ".ndjson": JSONL,
    ".pq": PARQUET,
}
# What can be compressed as a whole.
_LINES = (JSONL, TEXT, CSV, TSV)


@dataclass(frozen=True)
class InputFile:
    """A file of texts.

    Attributes:
        path: As it was given, or found in a folder that was given.
        kind: `JSONL` or another of the constants of this module.
        size: In bytes.
        modified: The time of its last change, in nanoseconds.
    """

    path: str
    kind: str
    size: int
    modified: int


def find_inputs(
    paths: Sequence[str | os.PathLike[str]], *, output: Path | None = None
) -> list[InputFile]:
    """Find the files of texts.

    Args:
        paths: Files, folders and patterns such as `data/*.jsonl`. Folders are read recursively,
            without hidden files.
        output: A folder whose files are no input, even if it is in one of the folders.

    Returns:
        The files, in the order of the paths, and within a folder or a pattern in that of their
        names; each once.

    Raises:
        ValueError: A path does not exist, or has no texts in it (E801), is of an unknown kind
            (E802), or is a file in the output (E825).
    """
    found: dict[Path, InputFile] = {}
    for path in paths:
        for file in _expand(Path(path).expanduser(), output):
            kind = kind_of(file)
            if kind is None:
                raise ValueError(Errors.E802.format(path=file, known=", ".join(KINDS)))
            stat = file.stat()
            entry = InputFile(file.as_posix(), kind, stat.st_size, stat.st_mtime_ns)
            found.setdefault(file.resolve(), entry)
    return list(found.values())


def kind_of(path: Path) -> str | None:
    """The kind of a file by its suffix; None if it is unknown."""
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        kind = KINDS.get(Path(path.stem).suffix.lower())
        return kind if kind in _LINES else None
    return KINDS.get(suffix)


def _expand(path: Path, output: Path | None) -> list[Path]:
    def is_own(file: Path) -> bool:
        return output is not None and output.resolve() in file.resolve().parents

    def is_input(file: Path) -> bool:
        return file.is_file() and not is_own(file)

    if path.is_dir():
        files = [file for file in _find_in_folder(path) if is_input(file)]
        if not files:
            reason = f"the folder has no file with a known suffix: {', '.join(KINDS)}"
            raise ValueError(Errors.E801.format(path=path, reason=reason))
        return files
    if path.exists():
        if is_own(path):
            raise ValueError(Errors.E825.format(path=path, folder=output))
        return [path]
    pattern = str(path)
    # `Path.glob` has no absolute patterns.
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    files = [file for file in map(Path, names) if is_input(file)]
    if not files:
        reason = "it does not exist"
        if glob.has_magic(pattern):
            reason = "no file matches this pattern"
        raise ValueError(Errors.E801.format(path=path, reason=reason))
    return files


def _find_in_folder(folder: Path) -> list[Path]:
    inside = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    return [
        folder / path
        for path in inside
        if kind_of(path) and not any(part.startswith(".") for part in path.parts)
    ]

"""Stream documents from text files."""

from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_deberta.errors import Errors
from spacy_deberta.files import COMPRESSIONS, read_lines

# Maximum number of characters of a document of a text file, which is in memory as a whole. A longer
# one is split, at a line break if it has any, and loses the context across the split.
LONGEST_DOCUMENT = 4_000_000

_TEXT, _JSON_LINES, _DOC_BIN = ".txt", ".jsonl", ".spacy"
_KINDS = (_TEXT, _JSON_LINES, _DOC_BIN)


def read_texts(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]], *, lines_are_documents: bool = False
) -> Iterator[str]:
    """Read documents from files, one at a time.

    Args:
        paths: Files and folders. In `.txt`, documents are separated by empty lines, and a line is a
            paragraph; in `.jsonl`, every line is an object with "text"; `.spacy` is a `DocBin`. The
            first two may be compressed (`.xz`, `.gz`, `.bz2`). Folders are read recursively, in the
            order of the file names.
        lines_are_documents: Whether every line of a `.txt` is a document.

    Yields:
        Documents, except those of whitespace only. A document of a `.txt` that is longer than
        `LONGEST_DOCUMENT` characters is yielded in parts. One document is in memory at a time; of a
        `.spacy`, the whole file.

    Raises:
        ValueError: A path does not exist (E701) or is of an unknown kind (E702); a file is not
            UTF-8 (E703), not JSON lines (E704, E705) or damaged (E706); there is no text (E707).
    """
    paths = [paths] if isinstance(paths, str | PathLike) else list(paths)
    found = False
    for file in [file for path in paths for file in _find_files(Path(fspath(path)).expanduser())]:
        for text in _read_file(file, lines_are_documents=lines_are_documents):
            if text and not text.isspace():
                found = True
                yield text
    if not found:
        named = ", ".join(f"'{fspath(path)}'" for path in paths)
        raise ValueError(Errors.E707.format(where=named or "no files at all"))


def _find_files(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise ValueError(Errors.E701.format(path=path, error="it does not exist"))
        if _kind_of(path) is None:
            raise ValueError(Errors.E702.format(path=path))
        return [path]
    inside = (file.relative_to(path) for file in path.rglob("*"))
    files = [
        path / file
        for file in sorted(inside)
        if _kind_of(file) and not any(part.startswith(".") for part in file.parts)
    ]
    files = [file for file in files if file.is_file()]
    if not files:
        error = "the folder has no .txt, .jsonl or .spacy in it"
        raise ValueError(Errors.E701.format(path=path, error=error))
    return files


def _kind_of(path: Path) -> str | None:
    name = path.name.lower()
    for ending in COMPRESSIONS:
        if name.endswith(ending):
            name = name.removesuffix(ending)
            # A DocBin is already compressed.
            return next((kind for kind in (_TEXT, _JSON_LINES) if name.endswith(kind)), None)
    return next((kind for kind in _KINDS if name.endswith(kind)), None)


def _read_file(path: Path, *, lines_are_documents: bool) -> Iterator[str]:
    kind = _kind_of(path)
    if kind == _DOC_BIN:
        return _read_doc_bin(path)
    if kind == _JSON_LINES:
        return _read_json_lines(path)
    lines = (line for _, line in read_lines(path, longest=LONGEST_DOCUMENT))
    return lines if lines_are_documents else _join_paragraphs(lines)


def _join_paragraphs(lines: Iterable[str]) -> Iterator[str]:
    paragraphs: list[str] = []
    characters = 0
    for line in lines:
        if not line or line.isspace():
            if paragraphs:
                yield "\n".join(paragraphs)
            paragraphs, characters = [], 0
            continue
        if paragraphs and characters + len(line) > LONGEST_DOCUMENT:
            yield "\n".join(paragraphs)
            paragraphs, characters = [], 0
        paragraphs.append(line)
        characters += len(line) + 1
    if paragraphs:
        yield "\n".join(paragraphs)


def _read_json_lines(path: Path) -> Iterator[str]:
    for number, line in read_lines(path):
        if not line or line.isspace():
            continue
        try:
            row: Any = srsly.json_loads(line)
        except ValueError as error:
            raise ValueError(Errors.E704.format(path=path, line=number, error=error)) from error
        text = row.get("text") if isinstance(row, dict) else None
        if not isinstance(text, str):
            raise ValueError(Errors.E705.format(path=path, line=number, found=_describe(row)))
        yield text


def _describe(row: Any) -> str:
    if not isinstance(row, dict):
        return f"a {type(row).__name__}"
    if "text" in row:
        return f'a "text" of type {type(row["text"]).__name__}'
    return f"the keys {', '.join(map(repr, row)) or '(none)'}"


def _read_doc_bin(path: Path) -> Iterator[str]:
    try:
        doc_bin = DocBin().from_bytes(path.read_bytes())
        # A new vocabulary for each file, so that its words do not accumulate in memory.
        docs = doc_bin.get_docs(Vocab())
    except OSError as error:
        raise ValueError(Errors.E701.format(path=path, error=error.strerror)) from error
    # The type of the error depends on the position of the damage.
    except Exception as error:
        raise ValueError(Errors.E706.format(path=path, error=error)) from error
    while True:
        try:
            doc = next(docs, None)
        except Exception as error:
            raise ValueError(Errors.E706.format(path=path, error=error)) from error
        if doc is None:
            return
        yield doc.text

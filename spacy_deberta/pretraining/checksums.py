"""Checksums of files, to detect later damage."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from spacy_deberta.files import write_atomically

SUMS_FILE = "SHA256SUMS"
_BLOCK = 1 << 20


def write_checksums(sums: Path, files: Iterable[Path]) -> None:
    """Write the checksums of some files.

    Args:
        sums: Where to write them, in the format of `sha256sum --check`.
        files: In the folder of `sums` or below it.

    Raises:
        OSError: It can't be written, or a file can't be read.
    """
    lines = [f"{_digest(path)}  {path.relative_to(sums.parent).as_posix()}\n" for path in files]
    write_atomically(sums, "".join(lines).encode())


def check_checksums(sums: Path) -> None:
    """Compare files with their checksums.

    Args:
        sums: From `write_checksums`.

    Raises:
        ValueError: A file has another checksum, or there are no checksums.
        OSError: A file is missing or can't be read.
    """
    lines = sums.read_text(encoding="utf-8").splitlines()
    if not lines:
        raise ValueError(f"{sums.name} is empty")
    for line in lines:
        digest, _, name = line.partition("  ")
        if _digest(sums.parent / name) != digest:
            raise ValueError(f"{name or sums.name} is not what was written")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

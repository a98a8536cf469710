"""Rejects placeholder files, and files that would exceed the memory, before they are read."""

from pathlib import Path

from spacy_deberta.errors import Errors

# Compressed weights shrink by a tenth, or by half if they are rounded. Files that shrink to less
# than a quarter are not trained models.
MAX_EXPANSION = 4

# First bytes of placeholders, their description, and how to get the actual file.
_STAND_INS = (
    (
        b"version https://git-lfs.github.com/",
        "a pointer of Git LFS",
        "run `git lfs pull` in its folder, or download it again",
    ),
    (
        b"<!doctype html",
        "a web page",
        "download it again, from an address with '/resolve/' in place of '/blob/' on the hub",
    ),
    (b"<html", "a web page", "download it again"),
)


class RefusedFileError(OSError):
    """A rejected file of a checkpoint, with a specific error code."""


def check_is_itself(path: Path) -> None:
    """Raise if a file of a checkpoint is a placeholder.

    Args:
        path: The file.

    Raises:
        OSError: It is a pointer of Git LFS or a web page (E326), or can't be opened.
    """
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    for beginning, found, remedy in _STAND_INS:
        if start.startswith(beginning):
            raise RefusedFileError(Errors.E326.format(path=path, found=found, remedy=remedy))


def check_expansion(path: Path, needed: int) -> None:
    """Raise if reading a weight file takes far more memory than its size.

    Args:
        path: The file.
        needed: Bytes that reading it takes.

    Raises:
        OSError: It does (E330).
    """
    size = path.stat().st_size
    if needed > MAX_EXPANSION * size:
        raise RefusedFileError(
            Errors.E330.format(path=path, size=f"{size:,}", needed=f"{needed:,}")
        )

"""Files that are refused before they are read: stand-ins, and what would fill the memory."""

from pathlib import Path

from spacy_deberta.errors import Errors

# Weights that somebody compressed lose a tenth, or half if they are rounded. What shrinks to less
# than a quarter is no trained model.
MAX_EXPANSION = 4

# From the first bytes of a file to what it is, and how to get the file in whose place it lies.
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
    """A file of a checkpoint is refused for a reason that has a code of its own."""


def check_is_itself(path: Path) -> None:
    """Raise if there is something else under the name of a file of a checkpoint.

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
    """Raise if a file of weights says that it holds far more than its size.

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

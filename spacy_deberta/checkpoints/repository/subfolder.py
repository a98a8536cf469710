"""A folder within a repository on the hub."""

import re
from pathlib import Path

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import shorten

from .interface import Repository

# Names of folders, without "..".
_SUBFOLDER = re.compile(r"(?!\.{1,2}(/|$))[^/\\:\x00-\x1f]+(/(?!\.{1,2}(/|$))[^/\\:\x00-\x1f]+)*")

# Beyond all file systems, and most addresses.
_MAX_LENGTH = 1000


def check_subfolder(subfolder: str | None) -> str:
    """Check the name of a folder within a repository.

    Args:
        subfolder: Names with "/" between them; empty or None for the repository itself.

    Returns:
        The same without "/" at the end; empty for the repository itself.

    Raises:
        ValueError: It is outside of the repository (E336).
    """
    plain = "" if subfolder is None else subfolder
    if not isinstance(plain, str):
        raise ValueError(Errors.E336.format(subfolder=shorten(str(subfolder))))
    plain = plain.rstrip("/") if plain != "/" else plain
    too_long = len(plain) > _MAX_LENGTH
    if plain and (too_long or not _SUBFOLDER.fullmatch(plain)):
        raise ValueError(Errors.E336.format(subfolder=shorten(subfolder or "")))
    return plain


class Subfolder:
    """The files of a folder within a repository.

    Args:
        repository: The repository.
        subfolder: As `check_subfolder` returns it, not empty.
    """

    def __init__(self, repository: Repository, subfolder: str) -> None:
        self.name = f"{repository.name}/{subfolder}"
        self._repository = repository
        self._subfolder = subfolder

    def find(self, file_name: str) -> Path | None:
        """The local path of a file, or None without it."""
        return self._repository.find(f"{self._subfolder}/{file_name}")

    def find_ending(self, suffix: str) -> str | None:
        """None: each file is asked for by its name."""

    def missing(self, *file_names: str, message: str = Errors.E304) -> OSError:
        """The error for missing files."""
        paths = (f"{self._subfolder}/{file_name}" for file_name in file_names)
        return self._repository.missing(*paths, message=message)

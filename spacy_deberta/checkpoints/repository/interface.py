"""The interface of a checkpoint's location."""

from pathlib import Path
from typing import Protocol


class Repository(Protocol):
    """A location with the files of one checkpoint."""

    name: str

    def find(self, file_name: str) -> Path | None:
        """The local path of a file, or None without it."""

    def find_ending(self, suffix: str) -> str | None:
        """The name of a file that ends so; None without one, or where files can't be listed."""

    def missing(self, *file_names: str, message: str = ...) -> OSError:
        """The error for missing files."""

"""A place that holds a checkpoint, wherever it is."""

from pathlib import Path
from typing import Protocol


class Repository(Protocol):
    """A place that holds the files of one checkpoint."""

    name: str

    def find(self, file_name: str) -> Path | None:
        """The local path of a file, or None without it."""

    def missing(self, *file_names: str, message: str = ...) -> OSError:
        """The error that there is none of these files."""

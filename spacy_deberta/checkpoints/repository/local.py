"""A checkpoint in a folder on this disk."""

from pathlib import Path

from spacy_deberta.errors import Errors


class LocalFolder:
    """The files of a folder.

    Args:
        name: What the folder was asked for as, for messages.
        folder: The folder.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    def find(self, file_name: str) -> Path | None:
        """The path of a file, or None without it."""
        path = self._folder / file_name
        return path if path.is_file() else None

    def find_ending(self, suffix: str) -> str | None:
        """The first name of a file that ends so, in the folder or in one within it."""
        found = (*self._folder.glob(f"*{suffix}"), *self._folder.glob(f"*/*{suffix}"))
        names = sorted(path.relative_to(self._folder).as_posix() for path in found)
        return names[0] if names else None

    def missing(self, *file_names: str, message: str = Errors.E304) -> OSError:
        """The error that there is none of these files."""
        return FileNotFoundError(message.format(name=self.name, file=" or ".join(file_names)))

"""The folder of a named checkpoint, for rooms that know no repositories.

`DebertaV2Tokenizer.from_pretrained` takes names, and the room of the tokenizer lies below the one
that knows the hub. The package itself, which is above all rooms, says here who is asked.
"""

import os
from pathlib import Path
from typing import Protocol


class FolderFinder(Protocol):
    """Finds the vocabulary of a checkpoint, such as `checkpoints.find_vocabulary`."""

    def __call__(
        self,
        name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
    ) -> Path:
        """Return the folder on this disk that has the files of the tokenizer."""


_finder: FolderFinder


def set_folder_finder(finder: FolderFinder) -> None:
    """Set who is asked for the folders of checkpoints, in the whole process.

    Args:
        finder: The function.
    """
    global _finder
    _finder = finder


def find_folder(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Path:
    """Find the folder with the vocabulary of a checkpoint.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, or a hub name.
        revision: Branch, tag or commit on the hub.
        cache_dir: Where downloads are kept.
        local_files_only: Use only what the cache has.

    Returns:
        The folder.

    Raises:
        OSError: As `checkpoints.find_vocabulary`.
    """
    return _finder(
        name_or_path, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
    )

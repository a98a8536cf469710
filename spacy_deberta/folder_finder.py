"""Finds the folder of a checkpoint's name, for subpackages below `checkpoints/`.

`DebertaV2Tokenizer.from_pretrained` takes names, but `tokenization/` is below `checkpoints/`,
which accesses the hub. So `spacy_deberta/__init__.py`, above both, sets the function to use.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Finds the vocabulary of a checkpoint: `checkpoints.find_vocabulary`.
FolderFinder = Callable[..., Path]

_finder: FolderFinder


def set_folder_finder(finder: FolderFinder) -> None:
    """Set the function that finds the folders of checkpoints, for the process.

    Args:
        finder: Has the arguments of `checkpoints.find_vocabulary`.
    """
    global _finder
    _finder = finder


def find_folder(name_or_path: str | os.PathLike[str], **options: Any) -> Path:
    """Find the folder with the vocabulary of a checkpoint, downloading it where needed.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, or a hub name.
        options: Further arguments of `checkpoints.find_vocabulary`.

    Returns:
        The folder, on this disk.

    Raises:
        OSError: As `checkpoints.find_vocabulary`.
        ValueError: As `checkpoints.find_vocabulary`.
    """
    return _finder(name_or_path, **options)

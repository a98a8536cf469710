"""Atomic writes: at any moment the disk has either all of the old files or all of the new."""

from .durable import flush_file, flush_folder
from .journal import recover, remove_unfinished
from .staging import (
    CannotExchangeError,
    atomic_file,
    exchanged_folder,
    new_folder,
    staged_folder,
    write_atomically,
)

__all__ = [
    "CannotExchangeError",
    "atomic_file",
    "exchanged_folder",
    "flush_file",
    "flush_folder",
    "new_folder",
    "recover",
    "remove_unfinished",
    "staged_folder",
    "write_atomically",
]

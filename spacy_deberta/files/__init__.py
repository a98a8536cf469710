"""Writing to a disk so that what was there, or what shall be there, is whole at any moment."""

from .durable import flush_file, flush_folder
from .journal import recover, remove_unfinished
from .staging import (
    CannotExchangeError,
    exchanged_folder,
    new_folder,
    staged_folder,
    whole_file,
    write_whole,
)

__all__ = [
    "CannotExchangeError",
    "exchanged_folder",
    "flush_file",
    "flush_folder",
    "new_folder",
    "recover",
    "remove_unfinished",
    "staged_folder",
    "whole_file",
    "write_whole",
]

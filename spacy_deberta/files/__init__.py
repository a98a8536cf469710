"""Atomic writes: at any moment the disk has either all of the old files or all of the new.

Also lines of text from files, compressed or not, and memory that is given back to the system.
"""

from .durable import flush_file, flush_folder
from .journal import recover, remove_unfinished
from .lines import COMPRESSIONS, read_lines
from .memory import keep_freed_memory, page_out, trim_heap
from .staging import (
    CannotExchangeError,
    atomic_file,
    exchanged_folder,
    new_folder,
    staged_folder,
    write_atomically,
)

__all__ = [
    "COMPRESSIONS",
    "CannotExchangeError",
    "atomic_file",
    "exchanged_folder",
    "flush_file",
    "flush_folder",
    "keep_freed_memory",
    "new_folder",
    "page_out",
    "read_lines",
    "recover",
    "remove_unfinished",
    "staged_folder",
    "trim_heap",
    "write_atomically",
]

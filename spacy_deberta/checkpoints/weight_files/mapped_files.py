"""Files that tensors lie in: mapped into memory, and watched as long as they are."""

import mmap
import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import torch

from spacy_deberta.errors import Errors

# Reading less than this takes some hundredths of a second, and what is read can't change.
MIN_MAPPED_BYTES = 64 * 2**20


class MappedFile:
    """A file that is mapped, and what it was when that was done.

    The mapping is of the file, not of its name: with another file renamed over it, it stays what
    it is. Whoever writes into the file or cuts it off changes the memory of this process.

    Args:
        path: The file's name, for messages.
        descriptor: Open for reading; owned, and closed with this object.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._written = self._last_written()
        weakref.finalize(self, os.close, descriptor)

    @property
    def size(self) -> int:
        """Its size in bytes when it was mapped."""
        return self._written[0]

    def check(self) -> None:
        """Raise if the file was written to since it was mapped.

        Raises:
            OSError: It was (E329).
        """
        if self._last_written() != self._written:
            raise OSError(Errors.E329.format(path=self.path))

    def _last_written(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns


# The file of each storage that is mapped; both go with the last tensor in it.
_files: "weakref.WeakKeyDictionary[torch.UntypedStorage, MappedFile]" = weakref.WeakKeyDictionary()


def map_file(path: Path, file: BinaryIO) -> torch.Tensor:
    """Map a file into memory, privately: changing the tensor does not change the file.

    Args:
        path: The file's name, for messages.
        file: The file, open for reading.

    Returns:
        Its bytes, uint8.

    Raises:
        ValueError: The file is empty.
    """
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    content = torch.frombuffer(mapping, dtype=torch.uint8)
    _files[content.untyped_storage()] = MappedFile(path, os.dup(file.fileno()))
    return content


def watch_file(path: Path, tensors: Iterable[torch.Tensor]) -> None:
    """Note that tensors are mapped from a file.

    Args:
        path: The file. It is opened after it was mapped: another file that came under its name in
            between leaves nobody a name for the mapped one, to write into it.
        tensors: What was mapped.
    """
    file = MappedFile(path, os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)))
    for tensor in tensors:
        _files[tensor.untyped_storage()] = file


def find_mapped_file(tensor: torch.Tensor) -> MappedFile | None:
    """The file that a tensor lies in, or None if it lies in memory."""
    return _files.get(tensor.untyped_storage())

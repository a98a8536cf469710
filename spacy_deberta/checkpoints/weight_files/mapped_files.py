"""Memory-mapped weight files, which are checked for modifications."""

import mmap
import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import torch

from spacy_deberta.errors import Errors
from spacy_deberta.files import page_out

# Reading less than this takes some hundredths of a second, and a copy can't be modified.
MIN_MAPPED_BYTES = 64 * 2**20


class MappedFile:
    """A mapped file, with its size and modification time when it was mapped.

    Renaming another file over the path does not affect the mapping. Writing into the file, or
    truncating it, changes the memory of this process.

    Args:
        path: The file's name, for messages.
        descriptor: Open for reading; owned, and closed with this object.
        tensors: What is mapped from it.
    """

    def __init__(self, path: Path, descriptor: int, tensors: Iterable[torch.Tensor]) -> None:
        self.path = path
        spans = [(tensor.data_ptr(), tensor.nbytes) for tensor in tensors if tensor.numel()]
        self._start = min((start for start, _ in spans), default=0)
        self._stop = max((start + size for start, size in spans), default=0)
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

    def page_out(self) -> None:
        """Give back the memory of the mapping: its values are read again when used."""
        page_out(self._start, self._stop)

    def _last_written(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns


# The file of each mapped storage; both are released with the last tensor.
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
    _files[content.untyped_storage()] = MappedFile(path, os.dup(file.fileno()), [content])
    return content


def watch_file(path: Path, tensors: Iterable[torch.Tensor]) -> None:
    """Register the file of mapped tensors.

    Args:
        path: The file. It is opened after it was mapped. If it was replaced in between, the mapped
            file has no path anymore, so it can't be modified.
        tensors: The mapped tensors.
    """
    tensors = list(tensors)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    file = MappedFile(path, descriptor, tensors)
    for tensor in tensors:
        _files[tensor.untyped_storage()] = file


def find_mapped_file(tensor: torch.Tensor) -> MappedFile | None:
    """The mapped file of a tensor, or None."""
    return _files.get(tensor.untyped_storage())

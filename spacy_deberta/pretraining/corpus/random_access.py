"""Random access to a large file of numbers."""

import os
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Not available on Windows.
_PREAD = getattr(os, "pread", None)


class NumberFile:
    """A binary file of numbers, read in parts.

    It is not memory-mapped: the pages of a mapped file count as memory of the process, which grows
    with every read. Thread-safe.

    Args:
        path: The file.
        dtype: Dtype of its numbers.

    Raises:
        OSError: It can't be opened.
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._file = path.open("rb", buffering=0)
        self._lock = Lock()
        finalize(self, self._file.close)

    def __len__(self) -> int:
        """Return the number of elements."""
        return os.fstat(self._file.fileno()).st_size // self._dtype.itemsize

    def read(self, start: int, count: int) -> NDArray[Any]:
        """Read consecutive numbers.

        Args:
            start: Index of the first.
            count: Number of elements; fewer at the end of the file.

        Returns:
            The numbers, read-only. *Shape:* `(count,)`.
        """
        offset, size = start * self._dtype.itemsize, count * self._dtype.itemsize
        data = self._read_bytes(offset, size)
        # The operating system may return less than requested, in large files.
        while len(data) < size and (more := self._read_bytes(offset + len(data), size - len(data))):
            data += more
        return np.frombuffer(data, dtype=self._dtype)

    def _read_bytes(self, offset: int, size: int) -> bytes:
        if _PREAD is not None:
            found: bytes = _PREAD(self._file.fileno(), size, offset)
            return found
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

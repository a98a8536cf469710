"""Reading anywhere in a large file of numbers."""

import os
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Windows has none.
_PREAD = getattr(os, "pread", None)


class NumberFile:
    """A file that is an array of numbers, read in parts.

    It is not mapped into memory: pages of a mapped file count as memory of the process, and grow
    with what was read. Threads may share one.

    Args:
        path: The file.
        dtype: Type of its numbers.

    Raises:
        OSError: It can't be opened.
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._file = path.open("rb", buffering=0)
        self._lock = Lock()
        finalize(self, self._file.close)

    def __len__(self) -> int:
        """Return how many numbers it has."""
        return os.fstat(self._file.fileno()).st_size // self._dtype.itemsize

    def read(self, start: int, count: int) -> NDArray[Any]:
        """Read numbers that follow one another.

        Args:
            start: The first of them.
            count: How many; fewer come if the file ends before.

        Returns:
            The numbers, read-only. *Shape:* `(count,)`.
        """
        offset, size = start * self._dtype.itemsize, count * self._dtype.itemsize
        data = self._read_bytes(offset, size)
        # The system may give less than it was asked for, in large files.
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

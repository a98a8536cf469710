"""Memory that is given back to the system before the process ends, and memory that is kept."""

import ctypes
import mmap
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

_MADV_PAGEOUT = 21  # Linux 5.4, asm-generic/mman-common.h
# Parameters of `mallopt`, malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Environment variables with which users set them.
_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
# Larger blocks are always given back: the highest value that glibc takes.
_LARGEST_KEPT = 32 * 2**20
# The size that `keep_freed_memory` has set.
_kept = 0


def page_out(start: int, stop: int) -> None:
    """Give back the memory of a mapped file.

    The next use reads a page from the file again. Pages that were written to keep their values.
    Nothing happens where the system does not support it, for files that this process may not
    write, and for pages that other processes use too.

    Args:
        start: The first address.
        stop: One past the last address. All in between is mapped from files.

    Source:
        `madvise` of Linux, which Python has for its own mappings only.
    """
    madvise = _system_function("madvise", ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if madvise is not None and start < stop:
        start -= start % mmap.PAGESIZE
        madvise(start, stop - start, _MADV_PAGEOUT)


def trim_heap() -> None:
    """Give back freed memory that the C library keeps, which is a lot between larger blocks.

    Source:
        `malloc_trim` of glibc. Nothing happens with other libraries.
    """
    malloc_trim = _system_function("malloc_trim", ctypes.c_size_t)
    if malloc_trim is not None:
        malloc_trim(0)


def keep_freed_memory(size: int) -> None:
    """Let the C library keep freed memory for the next blocks, up to a size.

    glibc gives back what is free at the end of the heap above 128 KiB to 64 MiB, by the blocks of
    before. The system then fills each page with zeros when it is used again: a tenth of the time of
    a batch. Values that users set in the environment stay.

    Args:
        size: Bytes. The largest one of the process holds.

    Source:
        `mallopt` of glibc. Nothing happens with other libraries.
    """
    global _kept
    if size <= _kept:
        return
    _kept = size
    mallopt = _system_function("mallopt", ctypes.c_int, ctypes.c_int)
    if mallopt is not None and not any(name in os.environ for name in _VARIABLES):
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, size)


@cache
def _system_function(name: str, *types: type[Any]) -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    function: Any = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function.argtypes = types
    return function

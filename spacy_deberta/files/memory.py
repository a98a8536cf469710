"""Memory that is given back to the system before the process ends."""

import ctypes
import mmap
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

_MADV_PAGEOUT = 21  # Linux 5.4, asm-generic/mman-common.h


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


@cache
def _system_function(name: str, *types: type[Any]) -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    function: Any = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function.argtypes = types
    return function

"""Atomic exchange of two folders, on systems that support it."""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # Linux, linux/fs.h
_RENAME_SWAP = 2  # macOS, sys/stdio.h


def can_exchange() -> bool:
    """Whether the system has an exchange call. Not every file system supports it."""
    return _system_function() is not None


def exchange(one: Path, other: Path) -> None:
    """Exchange two files or folders atomically: neither path is ever missing.

    Args:
        one: A path.
        other: A path on the same file system; neither is within the other.

    Raises:
        OSError: The system or the file system does not support it, or a path may not be moved.

    Source:
        `renameat2` of Linux and `renamex_np` of macOS, which Python does not wrap.
    """
    function = _system_function()
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), os.fspath(one))
    sys.audit("os.rename", os.fspath(one), os.fspath(other), -1, -1)
    if function(os.fsencode(one), os.fsencode(other)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fspath(one), None, os.fspath(other))


@cache
def _system_function() -> Callable[[bytes, bytes], int] | None:
    if sys.platform not in ("linux", "darwin"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        renamex_np = getattr(library, "renamex_np", None)
        if renamex_np is None:
            return None
        return lambda one, other: renamex_np(one, other, _RENAME_SWAP)
    renameat2 = getattr(library, "renameat2", None)
    if renameat2 is None:
        return None
    return lambda one, other: renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE)

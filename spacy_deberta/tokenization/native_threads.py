"""Number of native threads for a batch of texts."""

import os

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import show

# One or two milliseconds of work for a thread. Less is not worth starting another one.
_CHARACTERS = 4096


def choose_threads(characters: int, *, max_threads: int | None) -> int:
    """Choose the number of SentencePiece's threads for a batch.

    Args:
        characters: Number of characters of all texts.
        max_threads: Maximum number; None for one on each core.

    Returns:
        As many threads as have enough work, at least one.
    """
    max_threads = _count_cores() if max_threads is None else max_threads
    return max(1, min(max_threads, characters // _CHARACTERS))


def check_threads(threads: int | None) -> int | None:
    """Check a number of threads.

    Args:
        threads: The number, or None.

    Returns:
        The same.

    Raises:
        ValueError: It is not a whole number (E231).
    """
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not whole:
        raise ValueError(Errors.E231.format(threads=show(threads)))
    return threads


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

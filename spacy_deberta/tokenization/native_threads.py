"""How many threads cut a batch of texts."""

import os

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import show

# What takes one thread a millisecond or two. Less is not worth starting another one.
_CHARACTERS = 4096


def choose_threads(characters: int, *, most: int | None) -> int:
    """Choose how many threads SentencePiece gets for a batch.

    Args:
        characters: Characters of all texts.
        most: At most so many; None for one on each core.

    Returns:
        As many as have enough to do, at least one.
    """
    most = _count_cores() if most is None else most
    return max(1, min(most, characters // _CHARACTERS))


def check_threads(threads: int | None) -> int | None:
    """Check how many threads are asked for.

    Args:
        threads: The number, or None.

    Returns:
        The same.

    Raises:
        ValueError: It is no whole number (E231).
    """
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not whole:
        raise ValueError(Errors.E231.format(threads=show(threads)))
    return threads


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

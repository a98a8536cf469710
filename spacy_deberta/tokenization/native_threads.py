"""How many threads cut a batch of texts."""

import os

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


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

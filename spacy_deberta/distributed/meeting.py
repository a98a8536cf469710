"""Waiting for the other processes for as long as the slowest of them takes."""

from datetime import timedelta

from torch.distributed import Store

# More than anything that one process does while the others wait for it.
LONGEST_WAIT = timedelta(hours=24)


class Meeting:
    """Where processes wait for each other, outside of any collective operation.

    A collective operation fails when one process comes later than the timeout of the process group
    allows, which whoever started the group chose for sums that take milliseconds. What one process
    does alone, such as an evaluation, may take longer. Here a process waits without having begun
    such an operation.

    Args:
        store: The store of the process group.
        count: How many processes there are.
    """

    def __init__(self, store: Store, *, count: int) -> None:
        self._store = store
        self._count = count
        self._number = 0

    def wait(self) -> None:
        """Wait until every process has called this as often as this one."""
        self._number += 1
        if self._store.add(_arrived(self._number), 1) == self._count:
            self._store.set(_complete(self._number), "")
            # Everybody has left the meeting before this one.
            self._store.delete_key(_arrived(self._number - 1))
            self._store.delete_key(_complete(self._number - 1))
        self._store.wait([_complete(self._number)], LONGEST_WAIT)


def _arrived(number: int) -> str:
    return f"spacy-deberta/{number}/arrived"


def _complete(number: int) -> str:
    return f"spacy-deberta/{number}/complete"

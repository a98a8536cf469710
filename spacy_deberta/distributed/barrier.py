"""A barrier with a long timeout."""

from datetime import timedelta

from torch.distributed import Store

# Longer than anything that one process does while the others wait for it.
BARRIER_TIMEOUT = timedelta(hours=24)


class Barrier:
    """A barrier on the store of the process group, outside of any collective operation.

    A collective operation fails when a process is later than the timeout of the process group,
    which was chosen for all-reduces of milliseconds. Work of a single process, such as an
    evaluation, may take longer. Here a process waits before it begins a collective operation.

    Args:
        store: The store of the process group.
        count: Number of processes.
    """

    def __init__(self, store: Store, *, count: int) -> None:
        self._store = store
        self._count = count
        self._number = 0

    def wait(self) -> None:
        """Wait until every process has reached the same call."""
        self._number += 1
        if self._store.add(_arrived(self._number), 1) == self._count:
            self._store.set(_complete(self._number), "")
            # All processes have left the previous call.
            self._store.delete_key(_arrived(self._number - 1))
            self._store.delete_key(_complete(self._number - 1))
        self._store.wait([_complete(self._number)], BARRIER_TIMEOUT)


def _arrived(number: int) -> str:
    return f"spacy-deberta/{number}/arrived"


def _complete(number: int) -> str:
    return f"spacy-deberta/{number}/complete"

"""Prefetch items in a thread."""

from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

ItemT = TypeVar("ItemT")

_POLL_SECONDS = 0.1


def prefetch(items: Iterable[ItemT], *, ahead: int = 2) -> Generator[ItemT, None, None]:
    """Iterate in a thread that prefetches a few items.

    Args:
        items: Iterated in another thread, and closed there if it is a generator.
        ahead: Maximum number of prefetched items.

    Yields:
        The items, in order. An exception is raised at the position of its item.
    """
    waiting: Queue[tuple[ItemT | None, BaseException | None, bool]] = Queue(maxsize=ahead)
    stop = Event()

    def offer(entry: tuple[ItemT | None, BaseException | None, bool]) -> bool:
        while not stop.is_set():
            try:
                waiting.put(entry, timeout=_POLL_SECONDS)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not offer((item, None, False)):
                    return
        except BaseException as error:
            offer((None, error, True))
        else:
            offer((None, None, True))

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, error, last = waiting.get(timeout=_POLL_SECONDS)
            except Empty:
                if thread.is_alive() or not waiting.empty():
                    continue
                return
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()

"""Processes that annotate batches, each with the pipeline in its own memory.

They load the pipeline from its folder, so that they share the memory-mapped weights through the
cache of the operating system.
"""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from spacy_deberta.errors import Errors

Task = TypeVar("Task")
Result = TypeVar("Result")
# Batches in work or waiting for an earlier one, for each process.
_AHEAD = 4


class WorkerPool(Generic[Task, Result]):
    """Processes that compute results of tasks, in order. They end with this process.

    Args:
        count: Number of processes.
        build: A top-level function of a module, which returns the function of a task.
        args: Its arguments.
    """

    def __init__(
        self, count: int, build: Callable[..., Callable[[Task], Result]], *args: Any
    ) -> None:
        # Not forked: threads of PyTorch do not survive that, and a copy of an open file would keep
        # the lock of the output's folder after this process is killed.
        context = multiprocessing.get_context("spawn")
        self._processes = []
        self._connections: list[Connection] = []
        with _interrupts_ignored():
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, build, args), daemon=True)
                process.start()
                theirs.close()
                self._processes.append(process)
                self._connections.append(ours)
        self._starting = list(self._connections)

    def wait_until_built(self) -> None:
        """Wait until all processes have started; a second time, nothing.

        Raises:
            ValueError: One of them can't build its function, or was killed (E811).
        """
        while self._starting:
            self._receive(self._starting[-1])
            self._starting.pop()

    def map(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Compute results.

        Args:
            tasks: The tasks, which are read as processes become idle.

        Yields:
            The results, in the order of the tasks.

        Raises:
            ValueError: A process was killed (E811).
        """
        idle = list(self._connections)
        running: dict[Connection, int] = {}
        done: dict[int, Result] = {}
        given = taken = 0
        source = iter(tasks)
        exhausted = False
        while not exhausted or running or done:
            while idle and not exhausted and given - taken < _AHEAD * len(self._connections):
                try:
                    task = next(source)
                except StopIteration:
                    exhausted = True
                    break
                self._send(connection := idle.pop(), task)
                running[connection] = given
                given += 1
            if taken in done:
                yield done.pop(taken)
                taken += 1
                continue
            for ready in wait(list(running)) if running else ():
                assert isinstance(ready, Connection)
                done[running.pop(ready)] = self._receive(ready)
                idle.append(ready)

    def _send(self, connection: Connection, task: Task) -> None:
        try:
            connection.send(task)
        except OSError:  # the process has died
            self._receive(connection)

    def _receive(self, connection: Connection) -> Any:
        try:
            error, value = connection.recv()
        except (EOFError, OSError):
            process = self._processes[self._connections.index(connection)]
            process.join(1.0)
            raise ValueError(Errors.E811.format(reason=_ending(process.exitcode))) from None
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for process, connection in zip(self._processes, self._connections, strict=True):
            process.kill()
            connection.close()
        for process in self._processes:
            process.join()


def split_evenly(items: Sequence[Task], count: int) -> list[Sequence[Task]]:
    """Split a sequence into parts whose lengths differ by at most one."""
    size, more = divmod(len(items), count)
    ends = [number * size + min(number, more) for number in range(count + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which goes to all of them: the first ends the others."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set it
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"it was ended by {name}" + (", maybe for lack of memory" * (name == "SIGKILL"))
    return f"it ended with exit code {code}"


def _serve(
    connection: Connection, build: Callable[..., Callable[[Any], Any]], args: tuple[Any, ...]
) -> None:
    try:
        try:
            compute = build(*args)
            connection.send((None, None))
            while True:
                connection.send((None, compute(connection.recv())))
        except (EOFError, ConnectionError):  # the first process has ended
            return
        except Exception as error:
            connection.send((_portable(error), None))
    except ConnectionError:
        return


def _portable(error: Exception) -> Exception:
    """An error that can be unpickled in every process."""
    kind = type(error) if type(error) in (ValueError, OSError, ImportError) else RuntimeError
    name = "" if kind is type(error) else f"{type(error).__name__}: "
    return kind(f"{name}{error}")

"""Processes of their own: for what needs a fresh one, and for memory that is one contender's."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from .timing import CannotMeasureError

Step = Callable[[], Any]


class Worker:
    """A process that builds something once, and runs it whenever it is told to.

    Several of them can work in turns, each with memory of its own.

    Args:
        build: A function at the top of a module; what it returns is run.
        args: Its arguments.
    """

    def __init__(self, build: Callable[..., Step], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, args), daemon=True)
        self._process.start()
        theirs.close()

    def wait_until_built(self) -> None:
        """Wait for the process.

        Raises:
            CannotMeasureError: It cannot be built, or the process has died.
        """
        self._receive()

    def run(self) -> Any:
        """Run it once, and give what it returns.

        Raises:
            CannotMeasureError: The process has died, perhaps for want of memory.
        """
        self._connection.send("run")
        return self._receive()

    def _receive(self) -> Any:
        try:
            failed, value = self._connection.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            raise CannotMeasureError(f"its process ended with exit code {code}") from None
        if failed:
            raise value
        return value

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._process.join()


def run_fresh(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function at the top of a module in a process of its own, and give what it returns."""
    with Worker(_call_later, function, args) as worker:
        worker.wait_until_built()
        return worker.run()


def _call_later(function: Callable[..., Any], args: tuple[Any, ...]) -> Step:
    return lambda: function(*args)


def _serve(connection: Connection, build: Callable[..., Step], args: tuple[Any, ...]) -> None:
    try:
        step = build(*args)
        connection.send((False, None))
        while True:
            connection.recv()
            connection.send((False, step()))
    except EOFError:  # nobody wants anything any more
        return
    except Exception as error:
        connection.send((True, _portable(error)))


def _portable(error: Exception) -> Exception:
    """An error that every process can read."""
    if isinstance(error, CannotMeasureError):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")

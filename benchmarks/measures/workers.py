"""Run workloads in separate processes: fresh ones, or for the memory of one contender."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from .timing import CannotMeasureError

Step = Callable[[], Any]


class Worker:
    """A process that builds a workload once, and runs it on request.

    Several workers can be interleaved, each with its own memory.

    Args:
        build: A top-level function of a module, which returns the workload.
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
        """Run the workload once, and return its result.

        Raises:
            CannotMeasureError: The process has died, for example out of memory.
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
    """Call a top-level function of a module in a fresh process, and return its result."""
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
    except EOFError:  # the other side has closed the connection
        return
    except Exception as error:
        connection.send((True, _portable(error)))


def _portable(error: Exception) -> Exception:
    """An error that can be unpickled in every process."""
    if isinstance(error, CannotMeasureError):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")

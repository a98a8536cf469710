"""Failures of the system, with codes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from safetensors import SafetensorError


@contextmanager
def coded_failures(describe: Callable[[str], str]) -> Iterator[None]:
    """Raise what the system refuses to write as an error with a code.

    Args:
        describe: Makes the message from what the system said.

    Raises:
        OSError: With that message; or as it was raised, if it has a code that names no failure of
            the system.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        cause = _first_cause(error)
        if isinstance(cause, OSError) and cause.errno is None:
            raise
        raise OSError(describe(reason_of(error))) from error


def reason_of(error: BaseException) -> str:
    """What the system said, without what was said about that on the way."""
    cause = _first_cause(error)
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error

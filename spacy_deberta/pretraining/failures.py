"""Coded errors for failures of the operating system."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from safetensors import SafetensorError


@contextmanager
def coded_failures(describe: Callable[[str], str]) -> Iterator[None]:
    """Re-raise errors of the operating system as coded errors.

    Args:
        describe: Makes the message from the reason of the operating system.

    Raises:
        OSError: With that message; unchanged if its cause is a coded error, not one of the
            operating system.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        cause = _first_cause(error)
        if isinstance(cause, OSError) and cause.errno is None:
            raise
        raise OSError(describe(reason_of(error))) from error


def reason_of(error: BaseException) -> str:
    """The reason of the operating system: the message of the error's first cause."""
    cause = _first_cause(error)
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error

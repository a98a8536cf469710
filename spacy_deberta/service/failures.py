"""Failures that become an answer with a status, a code and a message."""

import re

from spacy_deberta.errors import Errors

_CODE = re.compile(r"\[(?:spacy-deberta )?([EW]\d+)\]")


class ServiceError(Exception):
    """A failure of a request.

    status (int): The status of HTTP.
    message (str): A message of the catalogue.
    retry_after (int | None): Seconds after which the request may succeed.
    """

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after

    @property
    def code(self) -> str | None:
        """The code in the message."""
        return code_of(self.message)


class QueueFullError(ServiceError):
    """Too many texts wait."""

    def __init__(self, waiting: int) -> None:
        super().__init__(503, Errors.E848.format(waiting=waiting), retry_after=1)


class WorkerStoppedError(ServiceError):
    """The service is stopping."""

    def __init__(self) -> None:
        super().__init__(503, Errors.E853, retry_after=10)


class WorkerFailedError(ServiceError):
    """The pipeline does not work at all."""

    def __init__(self, error: Exception) -> None:
        super().__init__(503, Errors.E854.format(error=describe(error)))


def describe(error: BaseException) -> str:
    """The type and the message of an exception, in one line."""
    message = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def code_of(message: str) -> str | None:
    """The code at the beginning of a message of this package or of spaCy."""
    match = _CODE.match(message)
    return match and match[1]

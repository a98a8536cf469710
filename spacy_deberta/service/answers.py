"""Answers in JSON: errors with their codes, and the future annotations of a request."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from spacy_deberta.errors import Errors

from .failures import ServiceError, code_of, describe

# As nginx calls it: the client has left, so nobody reads this answer.
CLIENT_CLOSED = 499


def error_response(error: ServiceError) -> Response:
    """The answer to a request that fails.

    error (ServiceError): Why.
    RETURNS (Response): An `ErrorResponse`.
    """
    # A message may quote text of the request that UTF-8 can't encode.
    message = error.message.encode("utf-8", "backslashreplace").decode("utf-8")
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return JSONResponse(
        {"error": {"code": error.code, "message": message}}, error.status, headers=headers
    )


async def await_answers(
    request: Request, futures: Sequence["Future[bytes]"], *, timeout: float
) -> Response:
    """Wait until all texts of a request are annotated.

    request (Request): The request, whose body has been read.
    futures (Sequence[Future[bytes]]): The annotations of each text, as JSON.
    timeout (float): Maximum number of seconds.
    RETURNS (Response): An `AnnotateResponse`, or an empty one if the client has left.

    Raises:
        ServiceError: It took too long (E849), or the pipeline failed on a text (E850).
    """
    answers = asyncio.ensure_future(_gather(futures))
    gone = asyncio.ensure_future(_wait_until_gone(request))
    both: set[asyncio.Future[Any]] = {answers, gone}
    try:
        done, _ = await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        # Texts that have not begun are not annotated in vain.
        for future in futures:
            future.cancel()
    if answers in done:
        return _joined(answers.result())
    answers.cancel()
    if gone in done:
        return Response(status_code=CLIENT_CLOSED)
    raise ServiceError(504, Errors.E849.format(timeout=timeout))


async def _gather(futures: Sequence["Future[bytes]"]) -> list[bytes | BaseException]:
    # Awaited in a task: asyncio logs a cancelled `gather` that nobody awaits as an error.
    return await asyncio.gather(*map(asyncio.wrap_future, futures), return_exceptions=True)


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _joined(answers: Sequence[bytes | BaseException]) -> Response:
    encoded = []
    for number, answer in enumerate(answers):
        if isinstance(answer, BaseException):
            raise _failure(answer, number)
        encoded.append(answer)
    return Response(b'{"docs":[' + b",".join(encoded) + b"]}", media_type="application/json")


def _failure(error: BaseException, number: int) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    message = str(error)
    # A component of this package refuses the text or its labels, and says what to do.
    if isinstance(error, ValueError) and message.startswith("[spacy-deberta") and code_of(message):
        return ServiceError(422, message)
    return ServiceError(500, Errors.E850.format(number=number, error=describe(error)))

"""Checks of each request before it is parsed, and headers of each answer."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spacy_deberta.errors import Errors

from .answers import error_response
from .failures import ServiceError

# The page has only files of its own. Other sites can't put it in a frame.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses large bodies and foreign hosts, and adds headers.

    Another site's page can make a browser send requests to 127.0.0.1 under a name of its own. So
    the host that a request names has to be one of those of the service.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, hosts: Collection[str] | None) -> None:
        """Put the checks around an app.

        app (ASGIApp): The app.
        max_bytes (int): Maximum number of bytes of a body.
        hosts (Collection[str] | None): Names of the service in lower case; None for any.
        """
        self._app, self._max_bytes, self._hosts = app, max_bytes, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        size = _BodySize(self._max_bytes)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        async def send_unless_refused(message: Message) -> None:
            # FastAPI answers by itself if a body can't be read to its end.
            if not size.is_exceeded:
                await send_with_headers(message)

        try:
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            size.check_announced(headers.get("content-length", ""))
        except ServiceError as error:
            await error_response(error)(scope, receive, send_with_headers)
            return
        await self._app(scope, size.counted(receive), send_unless_refused)
        if size.is_exceeded:
            await error_response(size.error())(scope, receive, send_with_headers)

    def _check_host(self, host: str) -> None:
        if self._hosts is None:
            return
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        if name not in self._hosts:
            raise ServiceError(400, Errors.E855.format(host=host[:100]))


class _BodySize:
    """Counts the bytes of a body, which may be sent without its size."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_exceeded = False

    def error(self) -> ServiceError:
        return ServiceError(413, Errors.E843.format(limit=self.limit))

    def check_announced(self, length: str) -> None:
        if length.isdecimal() and int(length) > self.limit:
            raise self.error()

    def counted(self, receive: Receive) -> Receive:
        count = 0

        async def receive_counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self.limit:
                self.is_exceeded = True
                raise self.error()
            return message

        return receive_counted

"""A pipeline as a service over HTTP, with a page to try it on.

It needs the extra `serve`: FastAPI and uvicorn.
"""

from spacy_deberta.errors import Errors

try:
    import fastapi  # noqa: F401 (only whether it is there)
    import uvicorn  # noqa: F401
except ImportError as error:
    raise ImportError(Errors.E841.format(error=error)) from error

from .app import make_app
from .server import LOOPBACK_HOSTS, is_loopback, open_socket, run_server
from .settings import ServiceSettings

__all__ = [
    "LOOPBACK_HOSTS",
    "ServiceSettings",
    "is_loopback",
    "make_app",
    "open_socket",
    "run_server",
]

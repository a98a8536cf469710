"""The app: its routes, and what becomes of errors."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import torch
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from spacy.language import Language
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from spacy_deberta.errors import Errors

from .annotator import TextAnnotator, TextTask
from .answers import await_answers, error_response
from .batching import BatchWorker, WorkerState
from .failures import ServiceError
from .guards import Guard
from .pipeline_info import describe_pipeline
from .schemas import (
    AnnotateRequest,
    AnnotateResponse,
    ErrorResponse,
    HealthResponse,
    PipelineResponse,
)
from .settings import ServiceSettings
from .web_page import add_page

ERROR_STATUSES = (400, 413, 422, 500, 503, 504)


def make_app(
    nlp: Language,
    *,
    settings: ServiceSettings | None = None,
    hosts: Collection[str] | None = None,
) -> FastAPI:
    """Make an app that annotates texts with a pipeline.

    nlp (Language): The pipeline. While the app runs, only its thread may use it.
    settings (ServiceSettings | None): Limits; None for the default ones.
    hosts (Collection[str] | None): Hosts that requests may name, such as "localhost"; None for any.
    RETURNS (FastAPI): The app. Its thread runs between its startup and its shutdown.
    """
    settings = settings or ServiceSettings()
    annotator = TextAnnotator(nlp)

    def warm_up() -> None:
        # In the thread, since the number of threads is that of the one that sets it.
        if settings.threads:
            torch.set_num_threads(settings.threads)
        annotator.annotate([TextTask("A first text.")])

    worker = BatchWorker(
        annotator.annotate,
        max_batch=settings.max_batch,
        wait=settings.batch_wait / 1000,
        max_queue=settings.max_queue,
        warm_up=warm_up,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        worker.close()

    known = None if hosts is None else frozenset(host.lower().strip("[]") for host in hosts)
    info = describe_pipeline(annotator, settings)
    app = FastAPI(
        title=f"spacy-deberta: {info.name}",
        version=info.version,
        lifespan=lifespan,
        # Their pages load scripts of other sites.
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Guard, max_bytes=settings.max_body_bytes, hosts=known)],
    )
    _handle_errors(app)
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorResponse} for status in ERROR_STATUSES
    }

    @app.post("/annotate", response_model=AnnotateResponse, responses=errors)
    async def annotate(body: AnnotateRequest, request: Request) -> Response:
        """Annotate one text or several. Requests at the same time share batches."""
        texts = body.all_texts
        _check_size(texts, info.limits.max_text_length, info.limits.max_texts)
        annotator.check(labels=body.labels is not None, pieces=body.pieces)
        labels = None if body.labels is None else tuple(body.labels)
        futures = worker.submit([TextTask(text, labels, body.pieces) for text in texts])
        return await await_answers(request, futures, timeout=settings.timeout)

    # Load balancers ask with HEAD whether it is ready.
    @app.head("/health", include_in_schema=False)
    @app.get("/health", response_model=HealthResponse, responses={503: {"model": HealthResponse}})
    async def health() -> Response:
        """Whether the pipeline is ready: 200, or 503 before its first text and at the end."""
        status = 200 if worker.state is WorkerState.ready else 503
        return JSONResponse({"status": worker.state.value, "waiting": worker.waiting}, status)

    @app.head("/pipeline", include_in_schema=False)
    @app.get("/pipeline")
    async def pipeline() -> PipelineResponse:
        """The components of the pipeline, their labels, and the limits of the service."""
        return info

    add_page(app, info)
    return app


def _check_size(texts: list[str], max_length: int, max_texts: int) -> None:
    if len(texts) > max_texts:
        raise ServiceError(413, Errors.E845.format(count=len(texts), limit=max_texts))
    for number, text in enumerate(texts):
        if len(text) > max_length:
            message = Errors.E844.format(number=number, length=len(text), limit=max_length)
            raise ServiceError(413, message)


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ServiceError)
    async def failed(request: Request, error: ServiceError) -> Response:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        if any(problem["type"] == "json_invalid" for problem in found):
            return error_response(ServiceError(400, Errors.E847))
        if "json" not in request.headers.get("content-type", ""):
            # As curl sends it with `-d` alone. FastAPI does not parse such a body.
            problem = "its 'Content-Type' has to be application/json"
            return error_response(ServiceError(422, Errors.E846.format(problems=problem)))
        problems = "; ".join(_problem(problem["loc"], problem["msg"]) for problem in found[:3])
        return error_response(ServiceError(422, Errors.E846.format(problems=problems)))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        # FastAPI raises 400 for a body that can't be decoded.
        if error.status_code == 400:
            return error_response(ServiceError(400, Errors.E847))
        headers = dict(error.headers or {})
        detail = {"code": None, "message": str(error.detail)}
        return JSONResponse({"error": detail}, error.status_code, headers=headers)


def _problem(location: tuple[int | str, ...], message: str) -> str:
    place = ".".join(map(str, location[1:]))
    message = message.removeprefix("Value error, ")
    return f"'{place}': {message}" if place else message

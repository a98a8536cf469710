"""The page on which people try the pipeline."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from spacy_deberta.pages import render_template

from .schemas import PipelineResponse

STATIC = Path(__file__).parent / "static"
EXAMPLES = {
    "de": "Lena Brandt arbeitet seit Montag bei Siemens in München und mag ihr neues Büro sehr.",
    "en": "Lena Brandt joined Siemens in Munich last Monday, and she really likes her new office.",
}
MASKED_EXAMPLES = {
    "de": "München ist eine [MASK] in Bayern.",
    "en": "Munich is a [MASK] in Germany.",
}
# For a pipeline without labels of its own, so that there is something to see.
LABELS = ("person", "organization", "place")


def add_page(app: FastAPI, info: PipelineResponse) -> None:
    """Add the page of a pipeline, at `/`.

    app (FastAPI): The app.
    info (PipelineResponse): The pipeline.
    """
    examples = MASKED_EXAMPLES if info.fills_masks else EXAMPLES
    html = render_template(
        __package__,
        "page.html",
        info=info,
        example=examples.get(info.lang, examples["en"]),
        labels=", ".join(_free_labels(info) or LABELS),
        # The components need no others, unless one of them has none.
        has_labels=all(component.labels for component in info.components if component.takes_labels),
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(html)


def _free_labels(info: PipelineResponse) -> tuple[str, ...]:
    """The labels of the components that take any, each once."""
    own = [c.labels for c in info.components if c.takes_labels]
    return tuple(dict.fromkeys(label for labels in own for label in labels))

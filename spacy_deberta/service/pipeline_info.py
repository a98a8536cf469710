"""Describes a pipeline for clients and for the page."""

from .annotator import FREE_LABELS, TextAnnotator
from .schemas import ComponentInfo, PipelineResponse, ServiceLimits
from .settings import ServiceSettings


def describe_pipeline(annotator: TextAnnotator, settings: ServiceSettings) -> PipelineResponse:
    """Describe a pipeline.

    annotator (TextAnnotator): The pipeline.
    settings (ServiceSettings): The limits of the service.
    RETURNS (PipelineResponse): Its components, and what can be asked of it.
    """
    nlp = annotator.nlp
    return PipelineResponse(
        name=f"{nlp.meta['lang']}_{nlp.meta['name']}",
        version=nlp.meta["version"],
        lang=nlp.lang or "xx",
        components=[
            ComponentInfo(
                name=name,
                factory=factory,
                labels=list(getattr(nlp.get_pipe(name), "labels", ())),
                takes_labels=factory in FREE_LABELS,
                assigns=list(nlp.get_pipe_meta(name).assigns),
            )
            for name, factory in annotator.factories.items()
        ],
        takes_labels=annotator.takes_labels,
        fills_masks=annotator.fills_masks,
        has_pieces=annotator.tokenizer is not None,
        limits=ServiceLimits(
            # Longer texts are an error of spaCy.
            max_text_length=min(settings.max_text_length, nlp.max_length),
            max_texts=settings.max_texts,
            timeout=settings.timeout,
        ),
    )

"""Whose rows a listener reads, where a pipeline has several encoders."""

from typing import Any

from spacy.language import Language

from spacy_deberta.errors import Errors
from spacy_deberta.layers import is_stock, listeners_of
from spacy_deberta.pipeline.saved_pipe import SavedPipe

STOCK_PIPE = "pipeline_component.Transformer"


class EncoderPipe(SavedPipe):
    """A component that writes `doc._.trf_data`."""


def is_encoder(component: Any) -> bool:
    """Whether a component writes `doc._.trf_data`: ours, or that of spacy-transformers."""
    return isinstance(component, EncoderPipe) or is_stock(component, STOCK_PIPE)


def check_upstreams(nlp: Language, encoder: EncoderPipe) -> None:
    """Refuse a listener that names a stock encoder and would read the rows of another one.

    nlp (Language): The pipeline.
    encoder (EncoderPipe): The encoder whose rows it would read.
    """
    earlier: dict[str, Any] = {}
    last: Any = None
    for name, component in nlp.pipeline:
        for listener in listeners_of(component):
            upstream = earlier.get(listener.upstream_name)
            is_kept = upstream is last or isinstance(upstream, EncoderPipe)
            if last is encoder and upstream is not None and not is_kept:
                raise ValueError(
                    Errors.E424.format(upstream=listener.upstream_name, encoder=encoder.name)
                )
        if is_encoder(component):
            earlier[name] = last = component

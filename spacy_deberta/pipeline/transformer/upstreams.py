"""Whose rows a listener reads, where a pipeline has several encoders."""

from collections.abc import Container, Mapping
from typing import Any

from spacy.language import Language

from spacy_deberta.errors import Errors, check_strings
from spacy_deberta.layers import ANY_ENCODER, is_stock, listeners_of
from spacy_deberta.pipeline.saved_pipe import SavedPipe

FORMER_NAMES = "former_names"
STOCK_PIPE = "pipeline_component.Transformer"


class EncoderPipe(SavedPipe):
    """A component that writes `doc._.trf_data`.

    spaCy renames a component in place, but not the encoder's name in its listeners. So the former
    names are saved with the settings.
    """

    _noted_name: str | None = None

    @property
    def former_names(self) -> list[str]:
        """The names that the component had before it was renamed or sourced."""
        return self.cfg.get(FORMER_NAMES, [])

    def _note_name(self) -> None:
        """Add the last name to the former ones, if the component has another now."""
        last, self._noted_name = self._noted_name, self.name
        if last not in (None, self.name, *self.former_names):
            self.cfg[FORMER_NAMES] = [*self.former_names, last]

    def _check_cfg(self, cfg: Mapping[str, Any]) -> None:
        check_strings(FORMER_NAMES, cfg.get(FORMER_NAMES, []))


def is_encoder(component: Any) -> bool:
    """Whether a component writes `doc._.trf_data`: ours, or that of spacy-transformers."""
    return isinstance(component, EncoderPipe) or is_stock(component, STOCK_PIPE)


def check_upstreams(nlp: Language, encoder: EncoderPipe) -> None:
    """Refuse listeners without rows to read, when one of the encoders is initialized.

    nlp (Language): The pipeline.
    encoder (EncoderPipe): The encoder.

    Raises:
        ValueError: A listener names an encoder that does not come before it (E425), or a stock
            encoder, and would read the rows of `encoder` (E424).
    """
    earlier: dict[str, Any] = {}
    last: Any = None
    for name, component in nlp.pipeline:
        for listener in listeners_of(component):
            if last is not None and _is_lost(listener, earlier):
                upstream, found = listener.upstream_name, ", ".join(map(repr, earlier))
                raise ValueError(Errors.E425.format(component=name, upstream=upstream, found=found))
            upstream = earlier.get(listener.upstream_name)
            is_kept = upstream is last or isinstance(upstream, EncoderPipe)
            if last is encoder and upstream is not None and not is_kept:
                raise ValueError(
                    Errors.E424.format(upstream=listener.upstream_name, encoder=encoder.name)
                )
        if is_encoder(component):
            earlier[name] = last = component


def _is_lost(listener: Any, earlier: Container[str]) -> bool:
    """Whether a listener has no width, and names no encoder before it that would give it one.

    A trained one that names a renamed encoder has its width.
    """
    name = listener.upstream_name
    return name != ANY_ENCODER and name not in earlier and listener.has_dim("nO") is None

"""Docs → the rows of their whole documents: from a shared encoder, or from one of their own."""

from spacy.tokens import Doc
from thinc.api import Model, chain

from spacy_deberta.layers.listening.batch import FullTransformerBatch
from spacy_deberta.layers.listening.listener import TransformerListener
from spacy_deberta.layers.listening.split_batch import split_batch
from spacy_deberta.layers.listening.transformer_data import TransformerData

InT = list[Doc]
OutT = list[TransformerData]


def document_listener(upstream: str) -> Model[InT, OutT]:
    """Get the rows of documents from the shared encoder.

    Args:
        upstream: Name of the component with the encoder; "*" for any.

    Returns:
        The listener by itself: not pooled to tokens, so that `[CLS]` and all
        pieces are there.
    """
    return TransformerListener(upstream)


def document_encoder(transformer: Model[InT, FullTransformerBatch]) -> Model[InT, OutT]:
    """Get the rows of documents from an encoder that one component owns.

    Args:
        transformer: For example made by `deberta_model`.

    Returns:
        A model with the structure that `Language.replace_listeners` gives a listening component, so
        that one can be loaded as the other.
    """
    return chain(transformer, split_batch())

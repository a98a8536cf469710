"""Docs → the rows of each document, from a shared encoder or the component's own."""

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
        The listener without pooling to tokens, so its output has `[CLS]` and all pieces.
    """
    return TransformerListener(upstream)


def document_encoder(transformer: Model[InT, FullTransformerBatch]) -> Model[InT, OutT]:
    """Get the rows of documents from an encoder that one component owns.

    Args:
        transformer: For example made by `deberta_model`.

    Returns:
        A model with the same structure as a listener after `Language.replace_listeners`, so that
        either can load the other's weights.
    """
    return chain(transformer, split_batch())

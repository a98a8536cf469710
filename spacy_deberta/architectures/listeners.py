"""Architectures that listen to the encoder of another component."""

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, Ragged

from spacy_deberta.layers import (
    TransformerData,
    document_listener,
    transformer_listener,
)


def transformer_listener_v1(
    pooling: Model[Ragged, Floats2d], grad_factor: float = 1.0, upstream: str = "*"
) -> Model[list[Doc], list[Floats2d]]:
    """Listen to a shared encoder for one vector for each token.

    pooling (Model[Ragged, Floats2d]): Reduces the pieces of a token to one vector, for example
        `reduce_mean.v1`.
    grad_factor (float): Factor on the gradient of the encoder; 0 trains the component only.
    upstream (str): Name of the component with the encoder; "*" for any.
    RETURNS (Model[list[Doc], list[Floats2d]]): The listener, for the `tok2vec` of spaCy's models.

    DOCS: docs/api/architectures.md#TransformerListener
    """
    return transformer_listener(pooling, grad_factor, upstream)


def document_listener_v1(upstream: str = "*") -> Model[list[Doc], list[TransformerData]]:
    """Listen to a shared encoder for all hidden states of a document, `[CLS]` included.

    upstream (str): Name of the component with the encoder; "*" for any.
    RETURNS (Model[list[Doc], list[TransformerData]]): The listener, for the `tok2vec` of
        `spacy-deberta.PooledTextClassifier.v1`.

    DOCS: docs/api/architectures.md#DocumentListener
    """
    return document_listener(upstream)

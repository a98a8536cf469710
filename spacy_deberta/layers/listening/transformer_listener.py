"""Docs → one pooled row for each token, from a shared encoder."""

from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from spacy_deberta.errors import check_number

from .listener import TransformerListener
from .token_rows import token_rows

InT = list[Doc]
OutT = list[Floats2d]


def transformer_listener(
    pooling: Model[Ragged, Floats2d], grad_factor: float, upstream: str
) -> Model[InT, OutT]:
    """Listen to a shared encoder, and pool its hidden states by token.

    Args:
        pooling: Reduces the rows of a token to one, for example `reduce_mean.v1`.
        grad_factor: Factor on the gradient of the encoder.
        upstream: Name of the component with the encoder; "*" for any.

    Returns:
        A model with the structure of `spacy-transformers.TransformerListener.v1`, so each loads the
        saved models of the other.
    """
    check_number("grad_factor", grad_factor, lambda x: x >= 0, "at least 0")
    listener = TransformerListener(upstream)
    model: Model = chain(listener, token_rows(pooling, grad_factor))
    model.set_ref("listener", listener)
    return model

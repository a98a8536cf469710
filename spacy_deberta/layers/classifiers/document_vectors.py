"""Docs → a vector for each document, and the vectors of its tokens."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, chain, list2ragged, reduce_max, reduce_mean
from thinc.types import Floats2d, Ragged

from spacy_deberta.errors import check_number
from spacy_deberta.layers.listening.token_rows import token_rows
from spacy_deberta.layers.listening.transformer_data import TransformerData
from spacy_deberta.layers.settings import check_choice, check_setting

from .document_rows import document_rows
from .pooled_text_classifier import POOLING
from .skip_empty import skip_empty

InT = list[Doc]
OutT = Floats2d

# Rows of a document → its vector.
VECTOR_POOLING: dict[str, Callable[[], Model[Ragged, Floats2d]]] = {
    "mean": POOLING["mean"],
    "cls": POOLING["cls"],
    "max": reduce_max,
}
UNITS = ("pieces", "tokens")


def document_vectors(
    tok2vec: Model[InT, list[TransformerData]], *, pooling: str, over: str, grad_factor: float
) -> Model[InT, OutT]:
    """Pool the rows of each document into one vector.

    Args:
        tok2vec: Rows of documents, made by `document_listener` or `document_encoder`.
        pooling: One of `VECTOR_POOLING`.
        over: What is pooled: "pieces", or "tokens", each of which is the mean of its pieces.
        grad_factor: Factor on the gradient of the encoder.

    Returns:
        A model from documents to vectors, `(docs, width)`; zeros for documents without pieces.
    """
    check_choice("pooling", pooling, tuple(VECTOR_POOLING))
    check_choice("over", over, UNITS)
    wanted = '"pieces", as [CLS] belongs to no token'
    check_setting(pooling != "cls" or over == "pieces", "over", f"'{over}'", wanted)
    check_number("grad_factor", grad_factor, lambda x: x >= 0, "at least 0")
    rows: Model[Any, Any]
    if over == "pieces":
        rows = document_rows(cls_only=pooling == "cls", grad_factor=grad_factor)
    else:
        rows = chain(token_rows(reduce_mean(), grad_factor), list2ragged())
    model: Model[InT, OutT] = chain(tok2vec, rows, skip_empty(VECTOR_POOLING[pooling]()))
    model.set_ref("tok2vec", tok2vec)
    return model


def predict_vectors(model: Model[InT, OutT], docs: InT) -> tuple[OutT, list[Floats2d]]:
    """Encode documents once, for their vectors and those of their tokens.

    Args:
        model: Made by `document_vectors`.
        docs: The documents.

    Returns:
        `(docs, width)`, and for each document `(tokens, width)`: the means of the tokens' pieces,
        zeros for whitespace.
    """
    # By position: references are lost when thinc copies a model.
    tok2vec, *pooling = model.layers
    data = tok2vec.predict(docs)
    vectors: Any = data
    for layer in pooling:
        vectors = layer.predict(vectors)
    return vectors, token_rows(reduce_mean(), 1.0).predict(data)

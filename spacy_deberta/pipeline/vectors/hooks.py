"""`vector`, `has_vector` and `similarity` of documents, spans and tokens.

spaCy does not serialize user hooks. What they read is serialized: `doc.tensor`, from which spaCy
itself reads the vectors of tokens and spans, and an entry of `doc.user_data`.
"""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from spacy.tokens import Doc, Span, Token
from thinc.api import get_array_module

from spacy_deberta.arrays import Array
from spacy_deberta.errors import Errors
from spacy_deberta.pipeline.documents import check_docs

# Keys in `doc.user_data`.
VECTOR = "spacy_deberta.vector"
TOKEN_VECTORS = "spacy_deberta.token_vectors"

HasVector = Doc | Span | Token


def set_vectors(doc: Doc, vector: Array, tokens: Array, *, store_tokens: bool) -> None:
    """Set the vectors of a document, and the hooks that return them.

    Args:
        doc: The document.
        vector: `(width,)`.
        tokens: `(tokens, width)`.
        store_tokens: Also keep `tokens` in `doc.user_data`, which a `DocBin` can store.
    """
    user_data = _user_data(doc)
    doc.tensor = tokens
    user_data[VECTOR] = vector
    if store_tokens:
        user_data[TOKEN_VECTORS] = tokens
    add_hooks(doc)


def restore_vectors(docs: Iterable[Doc]) -> None:
    """Add the hooks of `deberta_vectors` to documents that were serialized.

    docs (Iterable[Doc]): Documents from a `DocBin` with `store_user_data=True`, from
        `Doc.from_bytes` or from `nlp.pipe(n_process=2)`.
    """
    for doc in check_docs(docs, component="deberta_vectors"):
        stored = _user_data(doc)
        if VECTOR not in stored:
            raise ValueError(Errors.E661.format(text=doc.text[:40]))
        if TOKEN_VECTORS in stored and not doc.tensor.size:
            doc.tensor = np.asarray(stored[TOKEN_VECTORS])
        add_hooks(doc)


def add_hooks(doc: Doc) -> None:
    """Make `doc`, its spans and tokens return the vectors that were set.

    `vector_norm` is left to spaCy, which computes it from `vector`; for spans, it would call the
    wrong hook.
    """
    hooks: tuple[dict[str, Any], ...] = (
        doc.user_hooks,
        doc.user_span_hooks,
        doc.user_token_hooks,
    )
    for hook, vector in zip(hooks, (_doc_vector, _span_vector, _token_vector), strict=True):
        hook["vector"] = vector
        hook["has_vector"] = _has_vector
        hook["similarity"] = _similarity


def _user_data(doc: Doc) -> dict[Any, Any]:
    return cast(dict[Any, Any], doc.user_data)


def _doc_vector(doc: Doc) -> Array:
    return _user_data(doc)[VECTOR]


def _span_vector(span: Span) -> Array:
    tensor: Array = span.doc.tensor
    if not len(tensor) or span.start == span.end:
        return get_array_module(tensor).zeros_like(_doc_vector(span.doc))
    return tensor[span.start : span.end].mean(axis=0)


def _token_vector(token: Token) -> Array:
    tensor: Array = token.doc.tensor
    if not len(tensor):  # of a DocBin without the vectors of tokens
        return get_array_module(tensor).zeros_like(_doc_vector(token.doc))
    return tensor[token.i]


def _has_vector(item: HasVector) -> bool:
    return bool(item.vector.any())


def _similarity(item: HasVector, other: Any) -> float:
    """The cosine of two vectors; 0 if one of them is zero, as in spaCy."""
    one, two = cast(Array, item.vector), cast(Array, other.vector)
    if one.shape != two.shape:
        raise ValueError(Errors.E662.format(one=one.shape[-1], two=two.shape[-1]))
    norms = float(((one**2).sum() * (two**2).sum()) ** 0.5)
    return float((one * two).sum()) / norms if norms else 0.0

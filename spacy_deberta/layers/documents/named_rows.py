"""Rows of several encoders in one pipeline: a listener reads those of the encoder that it names.

Every encoder writes `doc._.trf_data`, from which spacy-transformers' listeners read. So a listener
that trains on one encoder would predict from another, if that one stands between the two.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from spacy.tokens import Doc
from spacy_transformers.data_classes import TransformerData
from spacy_transformers.layers import TransformerListener
from spacy_transformers.layers.listener import forward as read_last_rows
from thinc.api import Model

from spacy_deberta.errors import Errors

from .transformer_data import DocData

# In `doc.user_data`, with the name of an encoder behind it.
ROWS = "spacy_deberta.rows"
ANY_ENCODER = "*"


def note_encoder(doc: Doc, data: TransformerData, *, encoder: str, keep: bool) -> None:
    """Note whose the rows are that a document is about to get as `doc._.trf_data`.

    Args:
        doc: The document, with the rows of an earlier encoder, if there is one.
        data: The rows.
        encoder: Name of the component that made them.
        keep: Whether they have to stay when a later encoder writes its own.
    """
    if isinstance(data, DocData):
        previous = doc._.trf_data
        data.encoder = encoder
        data.replaces_others = previous is not None and (
            getattr(previous, "encoder", None) != encoder
        )
    if keep:
        user_data: dict[Any, Any] = cast(Any, doc.user_data)
        user_data[ROWS, encoder] = data


def listeners_of(component: Any) -> Iterator[TransformerListener]:
    """The listeners in the model of a component, whichever encoder they name."""
    model = getattr(component, "model", None)
    if isinstance(model, Model):
        for node in model.walk():
            if isinstance(node, TransformerListener):
                yield node


def read_by_name(listener: TransformerListener) -> None:
    """Let a listener that names an encoder read the rows of that one when it predicts."""
    if listener.upstream_name != ANY_ENCODER:
        listener._func = read_named_rows


def read_named_rows(
    model: TransformerListener, X: list[Doc], is_train: bool
) -> tuple[list[TransformerData], Callable]:
    """Read rows as the stock listener does, but never those of another encoder in their place.

    Raises:
        ValueError: They were not kept, because the encoder has another factory (E424).
    """
    Y, backprop = read_last_rows(model, X, is_train)
    if is_train and model._batch_id is not None:  # the encoder itself has sent them
        return Y, backprop
    name = model.upstream_name
    kept: list[Mapping[Any, TransformerData]] = [cast(Any, doc.user_data) for doc in X]
    Y = [rows.get((ROWS, name), data) for rows, data in zip(kept, Y, strict=True)]
    for data in Y:
        if isinstance(data, DocData) and data.replaces_others and data.encoder != name:
            raise ValueError(Errors.E424.format(upstream=name, encoder=data.encoder))
    return Y, backprop

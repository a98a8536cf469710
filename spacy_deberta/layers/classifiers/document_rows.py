"""Rows of documents → the rows that each document is pooled from."""

from collections.abc import Callable

import numpy as np
from thinc.api import Model
from thinc.types import Floats2d, Ragged
from thinc.util import to_numpy

from spacy_deberta.arrays import Array, Ints, cumulative
from spacy_deberta.errors import Errors
from spacy_deberta.layers.listening.transformer_data import (
    ModelOutput,
    TransformerData,
    is_transformer_data,
)

InT = list[TransformerData]
OutT = Ragged


def document_rows(*, cls_only: bool, grad_factor: float) -> Model[InT, OutT]:
    """Select the rows that a document is pooled from.

    Args:
        cls_only: Select `[CLS]`; otherwise all pieces of the text, without `[CLS]`, `[SEP]` and
            the row of zeros for tokens without pieces.
        grad_factor: Factor on the gradient of the encoder.

    Returns:
        A layer from documents to their rows, `(rows, width)`. Documents without such rows, for
        example without tokens, have length 0. The gradient has the shape of the input, for every
        document that has an output of the encoder.
    """
    return Model(
        "document_rows",
        forward,
        init=init,
        dims={"nO": None},
        attrs={"cls_only": cls_only, "grad_factor": grad_factor},
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Gather the rows of the whole batch at once, and scatter their gradient."""
    ops = model.ops
    _check(X)
    encoded = [data for data in X if "last_hidden_state" in data.model_output]
    arrays: list[Array] = [data.model_output["last_hidden_state"] for data in encoded]
    width = model.get_dim("nO")
    cu_rows = cumulative(np.array([array.size // width for array in arrays], dtype=np.int64))
    chosen = [_chosen(data, cls_only=model.attrs["cls_only"]) for data in encoded]
    counts = iter(len(rows) for rows in chosen)
    lengths = [next(counts) if "last_hidden_state" in data.model_output else 0 for data in X]
    selected = np.concatenate([np.zeros(0, dtype=np.int64), *map(np.add, chosen, cu_rows[:-1])])
    indices = ops.xp.asarray(selected)
    # The empty array is for batches in which no document has an output.
    rows = ops.xp.concatenate([ops.alloc2f(0, width), *(a.reshape(-1, width) for a in arrays)])
    Y = Ragged(rows[indices], ops.asarray1i(lengths))

    def backprop(dY: OutT) -> InT:
        dX: Floats2d = ops.alloc2f(int(cu_rows[-1]), width)
        # No row is selected twice, so this needs no addition.
        dX[indices] = dY.dataXd * model.attrs["grad_factor"]
        return [
            TransformerData(
                wordpieces=data.wordpieces,
                model_output=ModelOutput(last_hidden_state=dX[start:end].reshape(array.shape)),
                align=data.align,
            )
            for data, array, start, end in zip(
                encoded, arrays, cu_rows[:-1], cu_rows[1:], strict=True
            )
        ]

    return Y, backprop


def init(model: Model[InT, OutT], X: InT | None = None, Y: OutT | None = None) -> None:
    """Infer the width from the first document that has one, which may have no tokens."""
    if X is None:
        return
    _check(X)
    for data in X:
        rows: Array | None = getattr(data.model_output, "last_hidden_state", None)
        if rows is not None:
            model.set_dim("nO", rows.shape[-1])
            return


def _check(X: InT) -> None:
    for data in X:
        if not is_transformer_data(data):
            raise ValueError(Errors.E416.format(found=type(data).__name__))


def _chosen(data: TransformerData, *, cls_only: bool) -> Ints:
    """Indices into the rows of one document, with its windows concatenated.

    Our encoder outputs one window for each document; spacy-transformers may output several, padded.
    """
    mask = to_numpy(data.wordpieces.attention_mask) > 0
    starts = np.arange(len(mask), dtype=np.int64) * mask.shape[1]
    if cls_only:
        return starts[:1] if mask.any() else starts[:0]
    places = np.cumsum(mask, axis=1)
    is_piece = mask & (places > 1) & (places < mask.sum(axis=1, keepdims=True))
    return np.flatnonzero(is_piece)

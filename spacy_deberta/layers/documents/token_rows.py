"""Rows of documents → one row for each token, and back."""

from collections.abc import Callable
from typing import Any

from spacy_transformers.data_classes import TransformerData
from spacy_transformers.layers import trfs2arrays
from spacy_transformers.layers.trfs2arrays import forward as pool_rows
from thinc.api import Model
from thinc.types import Floats2d, Ragged

InT = list[TransformerData]
OutT = list[Floats2d]


def token_rows(pooling: Model[Ragged, Floats2d], grad_factor: float) -> Model[InT, OutT]:
    """Pool the rows of each token, in batches without any token too.

    Args:
        pooling: Reduces the rows of a token to one, for example `reduce_mean.v1`.
        grad_factor: Factor on the gradient of the encoder.

    Returns:
        spacy-transformers' `trfs2arrays`, by its name and structure, so that either loads what the
        other has saved. Documents without tokens get no rows, but of the same width as the others.
    """
    stock = trfs2arrays(pooling, grad_factor)
    return Model(stock.name, forward, layers=stock.layers, attrs=stock.attrs)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Leave the pooling to the stock layer if there is anything to pool."""
    if any("last_hidden_state" in data.model_output for data in X):
        Y, backprop = pool_rows(model, X, is_train)
        width = max(rows.shape[1] for rows in Y)
    else:
        Y, backprop = [model.ops.alloc2f(0, 0) for _ in X], lambda dY: []
        outputs: list[Any] = [data.model_output for data in X]
        width = max((output.last_hidden_state.shape[-1] for output in outputs), default=0)
    return [rows if len(rows) else model.ops.alloc2f(0, width) for rows in Y], backprop

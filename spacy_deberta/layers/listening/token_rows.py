"""Hidden states of documents → one row for each token, and back."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from thinc.api import Model
from thinc.types import Floats2d, Ragged
from thinc.util import to_numpy

from spacy_deberta.arrays import Array, cumulative
from spacy_deberta.errors import Errors

from .transformer_data import ModelOutput, TransformerData, is_transformer_data

InT = list[TransformerData]
OutT = list[Floats2d]


def token_rows(pooling: Model[Ragged, Floats2d], grad_factor: float) -> Model[InT, OutT]:
    """Pool the rows of each token: one gather for the batch, and one scatter for its gradient.

    Args:
        pooling: Reduces the rows of a token to one, for example `reduce_mean.v1`.
        grad_factor: Factor on the gradient of the encoder.

    Returns:
        A layer with the name and structure of spacy-transformers' `trfs2arrays`, so each loads the
        saved models of the other, and with the same values and gradients. Documents without tokens
        have 0 rows, of the same width as the others.
    """
    return Model("trfs2arrays", forward, layers=[pooling], attrs={"grad_factor": grad_factor})


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Gather the rows of all tokens, pool them, and split the result by document."""
    pooling: Model[Ragged, Floats2d] = model.layers[0]
    ops = model.ops
    arrays: list[Array] = [_encoded_rows(data) for data in X]
    full = [i for i, rows in enumerate(arrays) if rows is not None and rows.size]
    # A batch without tokens may still have a known width.
    width = max((rows.shape[-1] for rows in arrays if rows is not None), default=0)
    Y: OutT = [ops.alloc2f(0, width)] * len(X)
    if not full:
        return Y, lambda dY: []
    rows = [arrays[i].reshape(-1, width) for i in full]
    cu_rows = cumulative(np.array([len(array) for array in rows]))
    # A last row of zeros, for the tokens of documents in which no token has a piece.
    gathered = ops.xp.concatenate([*rows, ops.alloc2f(1, width)])
    zero_row = len(gathered) - 1
    aligned: list[Array] = []
    lengths: list[Array] = []
    for start, i in zip(cu_rows[:-1], full, strict=True):
        align = X[i].align
        token_lengths = to_numpy(align.lengths)
        has_pieces = token_lengths.any()
        lengths.append(token_lengths if has_pieces else np.ones_like(token_lengths))
        aligned.append(
            to_numpy(align.dataXd) + start
            if has_pieces
            else np.full(len(token_lengths), zero_row, dtype=np.int64)
        )
    indices = ops.xp.asarray(np.concatenate(aligned).astype("i"))
    all_lengths: Array = np.concatenate(lengths)
    tokens = Ragged(gathered[indices], ops.asarray1i(all_lengths))
    pooled, backprop_pooling = pooling(tokens, is_train)
    cu_tokens = cumulative(np.array([len(part) for part in lengths])).tolist()
    for i, (start, end) in zip(full, pairwise(cu_tokens), strict=True):
        Y[i] = pooled[start:end]

    def backprop(dY: OutT) -> InT:
        d_pooled = ops.xp.concatenate([dY[i] for i in full])
        d_rows = ops.alloc2f(*gathered.shape)
        ops.scatter_add(d_rows, indices, backprop_pooling(d_pooled).dataXd)
        d_rows *= model.attrs["grad_factor"]
        return [
            TransformerData(
                wordpieces=X[i].wordpieces,
                model_output=ModelOutput(
                    last_hidden_state=d_rows[start:end].reshape(arrays[i].shape)
                ),
                align=X[i].align,
            )
            for i, (start, end) in zip(full, pairwise(cu_rows.tolist()), strict=True)
        ]

    return Y, backprop


def _encoded_rows(data: TransformerData) -> Array:
    """`last_hidden_state`, `(windows, rows, width)`, or None if nothing was encoded.

    Raises:
        ValueError: The input is not the output of an encoder (E451).
    """
    if not is_transformer_data(data):
        raise ValueError(Errors.E451.format(found=type(data).__name__))
    return getattr(data.model_output, "last_hidden_state", None)

"""Rows of sequences → one row for each sequence, zeros for empty sequences."""

from collections.abc import Callable
from typing import cast

from thinc.api import Model
from thinc.types import Floats2d, Ragged

from spacy_deberta.arrays import Array

InT = Ragged
OutT = Floats2d


def skip_empty(reduction: Model[InT, OutT]) -> Model[InT, OutT]:
    """Reduce each sequence that has rows. Empty sequences become zeros.

    Args:
        reduction: For example `reduce_mean()`. Some reductions fail on empty sequences, and all of
            them on a batch of nothing else.
    """
    return Model("skip_empty", forward, init=init, layers=[reduction])


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Reduce the sequences that have rows, and scatter the results."""
    reduction = model.layers[0]
    rows: Array = X.dataXd
    lengths: Array = X.lengths
    Y = model.ops.alloc2f(len(lengths), rows.shape[1])
    if not len(rows):
        return Y, lambda dY: X
    present = model.ops.xp.nonzero(lengths)[0]
    Y[present], backprop_reduction = reduction(Ragged(rows, lengths[present]), is_train)

    def backprop(dY: OutT) -> InT:
        return Ragged(backprop_reduction(dY[present]).dataXd, X.lengths)

    return Y, backprop


def init(model: Model[InT, OutT], X: InT | None = None, Y: OutT | None = None) -> None:
    """Initialize the reduction on one row of X's width, because X may have no rows."""
    if X is not None:
        ops, rows = model.ops, cast(Array, X.dataXd)
        X = Ragged(ops.alloc2f(1, rows.shape[1]), ops.asarray1i([1]))
    model.layers[0].initialize(X=X)

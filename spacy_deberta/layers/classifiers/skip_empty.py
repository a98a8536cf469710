"""Rows of sequences → one row for each, and zeros for sequences without rows."""

from collections.abc import Callable
from typing import cast

from thinc.api import Model
from thinc.types import Floats2d, Ragged

from spacy_deberta.arrays import Array

InT = Ragged
OutT = Floats2d


def skip_empty(reduction: Model[InT, OutT]) -> Model[InT, OutT]:
    """Reduce each sequence that has rows; the others become zeros.

    Args:
        reduction: For example `reduce_mean()`. Not all of them can do with empty sequences, and
            none with a batch that has nothing else.
    """
    return Model("skip_empty", forward, init=init, layers=[reduction])


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Reduce what there is and put it in its place."""
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
    """Initialize the reduction on a row as wide as those of X, of which there may be none."""
    if X is not None:
        ops, rows = model.ops, cast(Array, X.dataXd)
        X = Ragged(ops.alloc2f(1, rows.shape[1]), ops.asarray1i([1]))
    model.layers[0].initialize(X=X)

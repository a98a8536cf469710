"""Rows of windows → rows of documents, and back: each row is read from one window."""

from collections.abc import Callable

from thinc.api import Model

from .ragged import Array
from .windows import WindowPlan

InT = tuple[list[Array], WindowPlan]
OutT = list[Array]


def doc_rows() -> Model[InT, OutT]:
    """Read the rows of documents from those of windows.

    From `(window_rows, width)` to `(doc_rows, width)`, for each layer that the encoder gives. Where
    windows overlap, the plan has chosen the one with the most context. Rows that come from no
    window are zero. The gradient is that of the last layer.
    """
    return Model("doc_rows", forward)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Select rows; the gradient goes back to the rows that were read."""
    layers, plan = X
    if plan.keeps_rows:
        # A copy of all rows would cost more than all else between the documents and the encoder.
        return layers, lambda dY: dY
    ops = model.ops
    sources = ops.xp.asarray(plan.sources)
    nowhere = sources < 0
    Y = []
    for rows in layers:
        selected = rows[sources]
        selected[nowhere] = 0.0
        Y.append(selected)

    def backprop(dY: Array) -> Array:
        dX = ops.alloc2f(*layers[-1].shape)
        # No row is read twice, so this needs no addition.
        dX[sources[~nowhere]] = dY[~nowhere]
        return dX

    return Y, backprop

"""Rows of windows → rows of documents, and back: each row is read from one window."""

from collections.abc import Callable

from thinc.api import Model
from thinc.types import Floats2d

from .windows import WindowPlan

InT = tuple[list[Floats2d], WindowPlan]
OutT = list[Floats2d]


def doc_rows() -> Model[InT, OutT]:
    """Read the rows of documents, `(doc_rows, width)`, from those of windows, `(window_rows, width)`.

    Where windows overlap, the window with the most context has been chosen by the plan. Rows that
    come from no window are zero. The gradient is that of the last layer.
    """
    return Model("doc_rows", forward)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Select rows; the gradient goes back to the rows that were read."""
    layers, plan = X
    ops = model.ops
    sources = ops.asarray1i(plan.sources, dtype="int64")
    nowhere = sources < 0
    Y = []
    for rows in layers:
        selected = rows[sources]
        selected[nowhere] = 0.0
        Y.append(selected)

    def backprop(dY: Floats2d) -> Floats2d:
        dX = ops.alloc2f(*layers[-1].shape)
        # No row is read twice, so this needs no addition.
        dX[sources[~nowhere]] = dY[~nowhere]
        return dX

    return Y, backprop

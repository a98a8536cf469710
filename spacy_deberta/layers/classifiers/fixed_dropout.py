"""Dropout with a rate of its own."""

from collections.abc import Callable

from thinc.api import Model
from thinc.types import Floats2d

InT = Floats2d
OutT = Floats2d


def fixed_dropout(rate: float) -> Model[InT, OutT]:
    """Drop out at a rate that `set_dropout_rate`, and so `[training] dropout`, does not change.

    Args:
        rate: How much is set to zero in training, from 0 up to (but without) 1.
    """
    return Model("fixed_dropout", forward, attrs={"rate": rate})


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Set random numbers to zero and scale up the others; in prediction, do nothing."""
    rate = model.attrs["rate"]
    if not is_train or rate == 0.0:
        return X, lambda dY: dY
    mask = model.ops.get_dropout_mask(X.shape, rate)

    def backprop(dY: OutT) -> InT:
        return dY * mask

    return X * mask, backprop

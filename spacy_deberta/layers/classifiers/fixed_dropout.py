"""Dropout with a fixed rate."""

from collections.abc import Callable

from thinc.api import Model
from thinc.types import Floats2d

InT = Floats2d
OutT = Floats2d


def fixed_dropout(rate: float) -> Model[InT, OutT]:
    """Dropout at a rate that `set_dropout_rate`, and so `[training] dropout`, does not change.

    Args:
        rate: Probability of setting a value to zero in training, at least 0 and below 1.
    """
    return Model("fixed_dropout", forward, attrs={"rate": rate})


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Zero random values and scale up the others. The identity in prediction."""
    rate = model.attrs["rate"]
    if not is_train or rate == 0.0:
        return X, lambda dY: dY
    mask = model.ops.get_dropout_mask(X.shape, rate)

    def backprop(dY: OutT) -> InT:
        return dY * mask

    return X * mask, backprop

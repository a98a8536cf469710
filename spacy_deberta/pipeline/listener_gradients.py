"""Collecting the gradients of several listeners before one backward pass."""

from collections.abc import Callable
from typing import Any

from spacy_transformers.data_classes import TransformerData


class ListenerGradients:
    """Adds up the gradients of listeners, and runs the backward pass once.

    Args:
        listeners: How many listeners have got the rows.
        backprop: Called once with the summed gradients, for each document that has tokens a list
            of arrays `(1, rows, width)`, and with the sum of the squares of all gradients.
    """

    def __init__(self, listeners: int, backprop: Callable[[list[list[Any]], float], None]) -> None:
        self._waiting_for = listeners
        self._backprop = backprop
        self._sum: list[list[Any]] = []
        self._sum_of_squares: Any = 0.0

    def add(self, gradients: list[TransformerData]) -> None:
        """Take the gradients of one listener; the last one starts the backward pass.

        Args:
            gradients: One for each document that has tokens.
        """
        arrays: list[list[Any]] = [list(gradient.tensors) for gradient in gradients]
        # Summed on the device: a float for each document would wait for the GPU each time.
        self._sum_of_squares += sum((array**2).sum() for doc in arrays for array in doc)
        if not self._sum:
            self._sum = arrays
        else:
            for summed, added in zip(self._sum, arrays, strict=True):
                for total, array in zip(summed, added, strict=True):
                    total += array
        self._waiting_for -= 1
        if self._waiting_for == 0:
            self.backprop()

    def backprop(self) -> None:
        """Run the backward pass on what has come in, if anything has."""
        if self._sum:
            arrays, self._sum = self._sum, []
            self._backprop(arrays, float(self._sum_of_squares))

"""Collecting the gradients of several listeners before one backward pass."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import get_array_module

from spacy_deberta.layers import TransformerData


class ListenerGradients:
    """Adds up the gradients of listeners, and runs the backward pass once.

    Args:
        listeners: How many listeners have got the rows.
        backprop: Called once with the summed gradient of the rows of all documents,
            `(rows, width)`, and with the sum of the squares of all gradients.
    """

    def __init__(self, listeners: int, backprop: Callable[[Any, float], None]) -> None:
        self._waiting_for = listeners
        self._backprop = backprop
        self._sum: Any = None
        self._sum_of_squares: Any = 0.0

    def add(self, gradients: list[TransformerData]) -> list[Doc]:
        """Take the gradients of one listener; the last one starts the backward pass.

        Args:
            gradients: One for each document that has tokens.

        Returns:
            The gradient of the documents, which have none: a new list, because thinc adds to it
            what layers beside the listener return, as spaCy's feature extractors do.
        """
        # All documents together: on a GPU, each operation on one document costs a launch.
        arrays: list[Any] = [array for gradient in gradients for array in gradient.tensors]
        if arrays:
            xp = get_array_module(arrays[0])
            rows = xp.concatenate([array.reshape(-1, array.shape[-1]) for array in arrays])
            # Summed on the device: a float would wait for the GPU.
            self._sum_of_squares += xp.vdot(rows, rows)
            if self._sum is None:
                self._sum = rows
            else:
                self._sum += rows
        self._waiting_for -= 1
        if self._waiting_for == 0:
            self.backprop()
        return []

    def backprop(self) -> None:
        """Run the backward pass on what has come in, if anything has."""
        if self._sum is not None:
            rows, self._sum = self._sum, None
            self._backprop(rows, float(self._sum_of_squares))

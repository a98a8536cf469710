"""Applies gradients to parameters, and keeps the state between updates."""

from collections.abc import Mapping

import torch

from .fused_adam import Key, ParameterUpdate, UpdateFunction, can_fuse
from .gradient_scaler import GradientScaler
from .optimization import update_parameters
from .table_gradients import TableGradients


class GradientUpdates:
    """Updates the parameters of one module.

    Attributes:
        scaler: Loss scale of fp16 gradients.
    """

    def __init__(self) -> None:
        self.scaler = GradientScaler()
        self._table_gradients = TableGradients()

    def __call__(
        self,
        optimizer: UpdateFunction,
        parameters: Mapping[Key, torch.nn.Parameter],
        updates: Mapping[Key, ParameterUpdate],
        *,
        scaled: bool,
    ) -> bool:
        """Update parameters in place, and drop their gradients.

        Args:
            optimizer: thinc's, or any function with the same arguments.
            parameters: Any shapes, each with a gradient; by their keys in the optimizer's state.
            updates: How each is updated.
            scaled: Whether the gradients are scaled.

        Returns:
            Whether there was an update; False if a scaled gradient overflowed.
        """
        # Other optimizers may write to all rows of the gradient, as thinc does for weight decay, or
        # keep a reference to it.
        keep_memory = can_fuse(optimizer)
        tables = self._table_gradients
        with tables.made_dense(parameters.values(), keep_memory=keep_memory) as rows:
            gradients = [p.grad for p in parameters.values() if p.grad is not None]
            if scaled and not self.scaler.unscale(gradients):
                for parameter in parameters.values():
                    parameter.grad = None
                return False
            update_parameters(optimizer, parameters, updates, rows)
        return True

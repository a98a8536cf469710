"""PyTorch losses on the outputs of thinc layers."""

from collections.abc import Callable

import torch
from thinc.util import torch2xp, xp2torch

from spacy_deberta.arrays import Array

Loss = Callable[[torch.Tensor], torch.Tensor]


def loss_gradient(Y: Array, loss: Loss) -> tuple[float, Array]:
    """Compute a loss and its gradient.

    Args:
        Y: The output of a layer, any shape, float32.
        loss: A function from Y as a tensor, on the same device, to a scalar.

    Returns:
        The loss, and its gradient with respect to Y.
    """
    scores = xp2torch(Y, requires_grad=True)
    value = loss(scores)
    value.backward()
    gradient = torch.zeros_like(scores) if scores.grad is None else scores.grad
    return float(value.detach()), torch2xp(gradient)

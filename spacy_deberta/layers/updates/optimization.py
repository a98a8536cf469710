"""How each parameter of the encoder is updated: learning rate by depth, weight decay."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import torch
from thinc.api import Optimizer
from thinc.util import torch2xp, xp2torch

from spacy_deberta.layers.ragged import Array

from .fused_adam import Key, ParameterUpdate, can_fuse, fused_adam

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


def plan_update(
    name: str, *, layers: int, layer_lr_decay: float, no_decay: tuple[str, ...]
) -> ParameterUpdate:
    """Decide how a parameter is updated, from its name.

    Args:
        name: As in the state dict of `DebertaV2Model`.
        layers: Number of the encoder's layers.
        layer_lr_decay: Factor on the learning rate for each layer further down from the top; the
            embeddings are below the lowest layer. 1.0 updates all alike.
        no_decay: Parameters with one of these in their name are exempt from weight decay.

    Returns:
        The top layer has factor 1, the one below `layer_lr_decay`, and so on. What all layers share
        (the relative positions) is updated like the top.

    Source:
        Discriminative fine-tuning, Howard and Ruder 2018, section 3.2; no decay on biases and
        LayerNorm as in the released fine-tuning code of BERT and DeBERTa.
    """
    layer = _LAYER.match(name)
    if layer is not None:
        depth = layers - 1 - int(layer.group(1))
    elif name.startswith("embeddings."):
        depth = layers
    else:
        depth = 0
    return ParameterUpdate(
        learn_rate_scale=layer_lr_decay**depth,
        weight_decay=not any(part in name for part in no_decay),
    )


def update_parameters(
    optimizer: Optimizer,
    parameters: Mapping[Key, torch.nn.Parameter],
    updates: Mapping[Key, ParameterUpdate],
) -> None:
    """Let a thinc optimizer update parameters in place, and drop their gradients.

    Torch is not told of the change: what is made from the weights has to be forgotten.

    Args:
        optimizer: thinc's.
        parameters: Any shapes, each with a gradient; by their keys in the optimizer's state.
        updates: How each is updated.
    """
    if can_fuse(optimizer):
        fused_adam(optimizer, parameters, updates)
    else:
        for key, parameter in parameters.items():
            _update_parameter(optimizer, key, parameter, updates[key])
    for parameter in parameters.values():
        parameter.grad = None


def _update_parameter(
    optimizer: Optimizer, key: Key, parameter: torch.nn.Parameter, update: ParameterUpdate
) -> None:
    weights: Array = torch2xp(parameter.data)
    gradient: Array = torch2xp(cast(torch.Tensor, parameter.grad))
    with _weight_decay(optimizer, enabled=update.weight_decay):
        updated, _ = optimizer(key, weights, gradient, lr_scale=update.learn_rate_scale)
    if updated is not weights:
        # It may be a view of the same memory, for which this does nothing, or a copy.
        parameter.data.copy_(xp2torch(updated, device=parameter.device))


@contextmanager
def _weight_decay(optimizer: Optimizer, *, enabled: bool) -> Iterator[None]:
    """Thinc has one L2 for all parameters, so it is taken away for those that are exempt."""
    decay = optimizer.L2
    if not enabled:
        optimizer.L2 = 0.0
    try:
        yield
    finally:
        optimizer.L2 = decay

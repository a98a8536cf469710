"""Learning rate and weight decay of each parameter of the encoder."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import Parameter, signature
from types import MappingProxyType
from typing import cast

import torch
from thinc.api import Optimizer

from spacy_deberta.arrays import Array
from spacy_deberta.errors import Errors
from spacy_deberta.layers.device_arrays import (
    array_to_device,
    shares_memory,
    tensor_to_array,
)

from .fused_adam import Key, ParameterUpdate, UpdateFunction, can_fuse, fused_adam

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


def plan_update(
    name: str,
    *,
    layers: int,
    layer_lr_decay: float,
    no_decay: tuple[str, ...],
    rates: Mapping[str, float] = MappingProxyType({}),
) -> ParameterUpdate:
    """Choose learning rate and weight decay of a parameter by its name.

    Args:
        name: As in the state dict of `DebertaV2Model`.
        layers: Number of the encoder's layers.
        layer_lr_decay: Factor on the learning rate for each layer below the top; the embeddings are
            below the lowest layer. 1.0 for the same rate in all layers.
        no_decay: Parameters with one of these in their name are exempt from weight decay.
        rates: Factor on the learning rate of the layers of a head, by the first part of their
            names.

    Returns:
        The top layer has factor 1, the one below `layer_lr_decay`, and so on. Parameters that all
        layers share (the relative positions) have the factor of the top layer.

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
        learn_rate_scale=layer_lr_decay**depth * rates.get(name.partition(".")[0], 1.0),
        weight_decay=not any(part in name for part in no_decay),
    )


def update_parameters(
    optimizer: UpdateFunction,
    parameters: Mapping[Key, torch.nn.Parameter],
    updates: Mapping[Key, ParameterUpdate],
    rows: Mapping[torch.nn.Parameter, torch.Tensor] = MappingProxyType({}),
) -> None:
    """Update parameters in place with an optimizer, and drop their gradients.

    This does not bump `_version`: the caller has to invalidate caches of the weights.

    Args:
        optimizer: thinc's, or any function with the same arguments.
        parameters: Any shapes, each with a gradient; by their keys in the optimizer's state.
        updates: How each is updated.
        rows: As for `fused_adam`.
    """
    if can_fuse(optimizer):
        fused_adam(optimizer, parameters, updates, rows)
    else:
        scales = _takes_lr_scale(optimizer)
        for key, parameter in parameters.items():
            with _weight_decay(optimizer, enabled=updates[key].weight_decay):
                step = _scaled_step if scales else _step
                step(optimizer, key, parameter, updates[key].learn_rate_scale)
    for parameter in parameters.values():
        parameter.grad = None


def _takes_lr_scale(optimizer: UpdateFunction) -> bool:
    try:
        arguments = signature(optimizer).parameters.values()
    except ValueError:  # some C functions have no signature
        return False
    return any(
        argument.name == "lr_scale" or argument.kind is Parameter.VAR_KEYWORD
        for argument in arguments
    )


def _scaled_step(
    optimizer: UpdateFunction, key: Key, parameter: torch.nn.Parameter, scale: float
) -> None:
    """Make a step with the learning rate scaled by the optimizer."""
    _write(parameter, _call(optimizer, key, parameter, lr_scale=scale))


def _step(optimizer: UpdateFunction, key: Key, parameter: torch.nn.Parameter, scale: float) -> None:
    """Scale the step itself: every step is linear in the learning rate."""
    before = None if scale == 1.0 else parameter.data.clone()
    _write(parameter, _call(optimizer, key, parameter))
    if before is not None:
        parameter.data.copy_(before.lerp(parameter.data, scale))


def _call(
    optimizer: UpdateFunction, key: Key, parameter: torch.nn.Parameter, **arguments: float
) -> Array:
    """Call an optimizer with views of weights and gradient, or with copies from another device."""
    weights = tensor_to_array(parameter.data)
    gradient = tensor_to_array(cast(torch.Tensor, parameter.grad))
    shared = shares_memory(parameter.device)
    before = None if shared or isinstance(optimizer, Optimizer) else weights.copy()
    changed = optimizer(key, weights, gradient, **arguments)[0]
    if before is not None and gradient.any() and (changed == before).all():
        # It keeps the arrays and updates them later, which does not change the weights elsewhere.
        raise ValueError(Errors.E521.format(device=parameter.device.type))
    return changed


def _write(parameter: torch.nn.Parameter, updated: Array) -> None:
    # `updated` is a view of the same memory, for which this is a no-op, or a copy.
    parameter.data.copy_(array_to_device(updated, parameter.device))


@contextmanager
def _weight_decay(optimizer: UpdateFunction, *, enabled: bool) -> Iterator[None]:
    """Set L2 to 0 for an exempt parameter, because thinc has one L2 for all parameters."""
    if enabled or not isinstance(optimizer, Optimizer):
        yield
        return
    decay = optimizer.L2
    optimizer.L2 = 0.0
    try:
        yield
    finally:
        optimizer.L2 = decay

"""thinc's Adam for many parameters at once, with PyTorch's fused kernel."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeGuard

import torch
from thinc.api import Optimizer
from torch.optim.adamw import adamw

from spacy_deberta.arrays import Array
from spacy_deberta.layers.device_arrays import array_to_device, kept_state, shares_memory

Key = tuple[int, str]
# Takes a key, weights and their gradient, and returns new weights and the zeroed gradient. thinc's
# `Optimizer` is one; thinc and spaCy accept any other function as well.
UpdateFunction = Callable[..., tuple[Any, Any]]

# thinc's maximum decay of the averaged parameters.
_MAX_DECAY = 0.9999


@dataclass(frozen=True)
class ParameterUpdate:
    """How one parameter is updated.

    Attributes:
        learn_rate_scale: Factor on the optimizer's learning rate.
        weight_decay: Whether the optimizer's L2 applies.
    """

    learn_rate_scale: float
    weight_decay: bool


def can_fuse(optimizer: UpdateFunction) -> TypeGuard[Optimizer]:
    """Whether an optimizer is thinc's AdamW, or its Adam without L2, but not RAdam or SGD."""
    if not isinstance(optimizer, Optimizer) or type(optimizer).__call__ is not Optimizer.__call__:
        return False
    is_adam = not optimizer.use_radam and optimizer.b1 > 0 and optimizer.b2 > 0
    return is_adam and (optimizer.L2 == 0 or optimizer.L2_is_weight_decay)


@torch.no_grad()
def fused_adam(
    optimizer: Optimizer,
    parameters: Mapping[Key, torch.nn.Parameter],
    updates: Mapping[Key, ParameterUpdate],
    rows: Mapping[torch.nn.Parameter, torch.Tensor] = MappingProxyType({}),
) -> None:
    """Update parameters in place, equivalent to calling the optimizer for each of them.

    The moments, step counts and averages are stored in the optimizer, which can continue from them.
    The weight decay is applied before the step instead of after it, as in the paper on AdamW. The
    difference is of second order in the learning rate.

    Args:
        optimizer: One that passes `can_fuse`.
        parameters: Any shapes, float32, each with a gradient; by the keys of the optimizer.
        updates: How each is updated.
        rows: For some tables, the rows whose gradient is not zero: int64, may have duplicates.

    Source:
        Decoupled weight decay, Loshchilov and Hutter 2019, algorithm 2; `thinc.optimizers`.
    """
    _clip(parameters.values(), rows, optimizer.grad_clip)
    groups: dict[tuple[ParameterUpdate, int], list[Key]] = defaultdict(list)
    for key in parameters:
        optimizer.nr_update[key] += 1
        groups[updates[key], optimizer.nr_update[key]].append(key)
    for (update, step), keys in groups.items():
        _step(optimizer, {key: parameters[key] for key in keys}, update, step)
        if optimizer.averages is not None:
            _average(optimizer.averages, {key: parameters[key] for key in keys}, step)


def _clip(
    parameters: Iterable[torch.nn.Parameter],
    rows: Mapping[torch.nn.Parameter, torch.Tensor],
    max_norm: float,
) -> None:
    """Clip the gradient of each parameter to a norm; 0 for no clipping."""
    if not max_norm:
        return
    gradients: list[torch.Tensor] = []
    for parameter in parameters:
        gradient = _gradient(parameter)
        if parameter in rows and gradient.is_cpu:
            _clip_rows(gradient, rows[parameter], max_norm)
        else:
            gradients.append(gradient)
    if not gradients:
        return
    norms = torch.stack(torch._foreach_norm(gradients))
    factors = (max_norm / norms).clamp(max=1.0)
    if factors.device.type != "cpu":
        # Scale all of them: reading the norms would synchronize with the device.
        torch._foreach_mul_(gradients, factors.unbind())
        return
    for gradient, factor in zip(gradients, factors.tolist(), strict=True):
        if factor < 1.0:
            gradient.mul_(factor)


def _clip_rows(gradient: torch.Tensor, rows: torch.Tensor, max_norm: float) -> None:
    """Clip a gradient that is zero in all rows but some. Reading all is 4% of a step in bf16."""
    rows = rows.unique()
    some = gradient.index_select(0, rows)
    norm = float(some.norm())
    if norm > max_norm:
        gradient.index_copy_(0, rows, some.mul_(max_norm / norm))


def _step(
    optimizer: Optimizer,
    parameters: Mapping[Key, torch.nn.Parameter],
    update: ParameterUpdate,
    step: int,
) -> None:
    learn_rate = optimizer.learn_rate * update.learn_rate_scale
    # Filled on the device: a number that is copied there waits for it.
    steps = [torch.full((), step - 1.0, device=p.device) for p in parameters.values()]
    adamw(
        # `.data` does not bump `_version`: `nlp.update` may step between a forward pass and its
        # backward pass, for which torch would raise an error.
        [parameter.data for parameter in parameters.values()],
        [_gradient(parameter) for parameter in parameters.values()],
        list(_state(optimizer.mom1, parameters)),
        list(_state(optimizer.mom2, parameters)),
        [],
        steps,
        fused=True,
        amsgrad=False,
        maximize=False,
        beta1=optimizer.b1,
        beta2=optimizer.b2,
        lr=learn_rate,
        weight_decay=optimizer.L2 if update.weight_decay else 0.0,
        # thinc adds eps to the root of the second moment before the bias correction.
        eps=optimizer.eps / (1.0 - optimizer.b2**step) ** 0.5,
    )


def _state(
    arrays: dict[Key, Array], parameters: Mapping[Key, torch.nn.Parameter]
) -> Iterable[torch.Tensor]:
    """Views of an optimizer's flat arrays as tensors; missing arrays are created as zeros."""
    for key, parameter in parameters.items():
        if key not in arrays:
            arrays[key] = kept_state(torch.zeros(parameter.numel(), device=parameter.device))
        yield _on_device(arrays, key, parameter).view_as(parameter)


def _average(
    averages: dict[Key, Array], parameters: Mapping[Key, torch.nn.Parameter], step: int
) -> None:
    decay = min((1.0 + step) / (10.0 + step), _MAX_DECAY)
    for key, parameter in parameters.items():
        if key not in averages:
            averages[key] = kept_state(torch.zeros_like(parameter))
        _on_device(averages, key, parameter).lerp_(parameter, 1.0 - decay)


def _on_device(arrays: dict[Key, Array], key: Key, parameter: torch.nn.Parameter) -> torch.Tensor:
    """A view of an array; it is moved first if its parameter was moved since the last update."""
    found = array_to_device(arrays[key], parameter.device)
    if isinstance(arrays[key], torch.Tensor) or not shares_memory(parameter.device):
        arrays[key] = kept_state(found)
    return found


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad

"""The optimizer of a phase, and its state by parameter name."""

from collections.abc import Mapping

import torch
from torch import Tensor

from spacy_deberta.pretraining.objectives.objective import Phase
from spacy_deberta.pretraining.settings import OptimizerSettings

# Without weight decay, as in the authors' code.
_NO_DECAY = ("bias", "LayerNorm.weight")
_NAME = "name"
# The state of torch's AdamW for a parameter.
_STEP = "step"
_QUANTITIES = {_STEP, "exp_avg", "exp_avg_sq"}


def make_optimizer(phase: Phase, settings: OptimizerSettings) -> torch.optim.AdamW:
    """Make torch's fused AdamW for the parameters of a phase.

    Args:
        phase: Its module is on its final device.
        settings: The settings of the optimizer.

    Returns:
        The optimizer, with a group for each weight decay; a group has the names of its parameters.
    """
    groups = [
        {
            "params": [parameter],
            "weight_decay": 0.0 if name.endswith(_NO_DECAY) else settings.weight_decay,
            _NAME: name,
        }
        for name, parameter in phase.module.named_parameters()
    ]
    return torch.optim.AdamW(
        _merge(groups),
        lr=settings.learn_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
        fused=True,
    )


def _merge(groups: list[dict]) -> list[dict]:
    """Merge groups of the same weight decay: each group is a kernel launch."""
    merged: dict[float, dict] = {}
    for group in groups:
        into = merged.setdefault(
            group["weight_decay"],
            {"params": [], "weight_decay": group["weight_decay"], _NAME: []},
        )
        into["params"] += group["params"]
        into[_NAME].append(group[_NAME])
    return list(merged.values())


def set_learn_rate(optimizer: torch.optim.Optimizer, learn_rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = learn_rate


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer.

    Args:
        optimizer: From `make_optimizer`, after at least one step.

    Returns:
        Tensors by the names of parameter and quantity, joined by a dot.
    """
    return {
        f"{name}.{quantity}": tensor
        for group in optimizer.param_groups
        for name, parameter in zip(group[_NAME], group["params"], strict=True)
        for quantity, tensor in optimizer.state[parameter].items()
    }


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Load the state of `optimizer_tensors` into an optimizer.

    Args:
        optimizer: From `make_optimizer`, without a step. Changed in place.
        tensors: The state; its tensors are copied.

    Raises:
        ValueError: It is not the state of this optimizer; without a code.
    """
    states: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        name, _, quantity = key.rpartition(".")
        states.setdefault(name, {})[quantity] = tensor
    parameters = {
        name: parameter
        for group in optimizer.param_groups
        for name, parameter in zip(group[_NAME], group["params"], strict=True)
    }
    _check_states(states, parameters)
    for name, parameter in parameters.items():
        optimizer.state[parameter] = {
            quantity: tensor.to(parameter.device, copy=True)
            for quantity, tensor in states.get(name, {}).items()
        }


def _check_states(
    states: Mapping[str, Mapping[str, Tensor]], parameters: Mapping[str, Tensor]
) -> None:
    """Check that each parameter has a complete state or, if it never had a gradient, none."""
    if not states:
        raise ValueError("there is no state of an optimizer")
    for name, state in states.items():
        if name not in parameters or set(state) != _QUANTITIES:
            raise ValueError(f"the state of the optimizer for '{name}' is not whole")
        for quantity, tensor in state.items():
            shape = torch.Size() if quantity == _STEP else parameters[name].shape
            if tensor.shape != shape:
                where = f"'{quantity}' of the optimizer for '{name}'"
                raise ValueError(f"{where} has the shape {tuple(tensor.shape)}")

"""One optimizer for each phase, and its state by the names of the parameters."""

from collections.abc import Mapping

import torch
from torch import Tensor

from spacy_deberta.pretraining.objectives.objective import Phase
from spacy_deberta.pretraining.settings import OptimizerSettings

# Not decayed, as in the authors' code.
_NO_DECAY = ("bias", "LayerNorm.weight")
_NAME = "name"
# What torch's AdamW keeps of a parameter.
_STEP = "step"
_QUANTITIES = {_STEP, "exp_avg", "exp_avg_sq"}


def make_optimizer(phase: Phase, settings: OptimizerSettings) -> torch.optim.AdamW:
    """Make torch's fused AdamW for the parameters of a phase.

    Args:
        phase: Its module is where it is going to stay.
        settings: See there.

    Returns:
        The optimizer, with a group for every parameter: a group says what the parameter is called.
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
    """Groups of the same decay as one: each is one launch on a device."""
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
        Tensors by the name of the parameter and that of the quantity, with a dot between.
    """
    return {
        f"{name}.{quantity}": tensor
        for group in optimizer.param_groups
        for name, parameter in zip(group[_NAME], group["params"], strict=True)
        for quantity, tensor in optimizer.state[parameter].items()
    }


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer the state that `optimizer_tensors` took from one.

    Args:
        optimizer: From `make_optimizer`, without a step. Changed in place.
        tensors: The state; no tensor is shared with it afterwards.

    Raises:
        ValueError: It is not the state of such an optimizer; without a code.
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
    """A parameter has the whole state or, if it never got a gradient, none."""
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

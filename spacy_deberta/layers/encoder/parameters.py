"""The weights that torch trains within a thinc model."""

import torch
from thinc.api import Model, PyTorchShim

from .encoder_shim import EncoderShim


def torch_parameters(model: Model) -> list[torch.nn.Parameter]:
    """Take the parameters of all modules in a model: encoders, heads, and what thinc has wrapped.

    Args:
        model: Any.

    Returns:
        Those that are trained, always in the same order. An encoder that a head shares with another
        component is that component's.
    """
    found: list[torch.nn.Parameter] = []
    for node in model.walk():
        for shim in node.shims:
            if isinstance(shim, EncoderShim):
                found += shim.own_parameters().values()
            elif isinstance(shim, PyTorchShim):
                found += shim._model.parameters()
    return [parameter for parameter in found if parameter.requires_grad]

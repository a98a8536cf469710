"""The trainable PyTorch parameters of a thinc model."""

import torch
from thinc.api import Model, PyTorchShim

from .encoder_shim import EncoderShim


def torch_parameters(model: Model) -> list[torch.nn.Parameter]:
    """Collect the parameters of all modules in a model: encoders, heads and `PyTorchWrapper`s.

    Args:
        model: Any.

    Returns:
        The trainable ones, always in the same order. The parameters of a shared encoder belong to
        the component that owns it.
    """
    found: list[torch.nn.Parameter] = []
    for node in model.walk():
        for shim in node.shims:
            if isinstance(shim, EncoderShim):
                found += shim.own_parameters().values()
            elif isinstance(shim, PyTorchShim):
                found += shim._model.parameters()
    return [parameter for parameter in found if parameter.requires_grad]

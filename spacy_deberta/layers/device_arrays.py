"""thinc's arrays ↔ tensors of a module, which may be on another device than thinc's layers."""

import torch
from thinc.api import NumpyOps, get_torch_default_device
from thinc.util import torch2xp, xp2torch

from spacy_deberta.arrays import Array
from spacy_deberta.nn import send


def shares_memory(device: torch.device) -> bool:
    """Whether thinc's arrays can be views of tensors on a device.

    On Apple's GPUs they never are: thinc's arrays are numpy's there.
    """
    return device.type == get_torch_default_device().type and device.type in ("cpu", "cuda")


def tensor_to_array(tensor: torch.Tensor) -> Array:
    """The array of a tensor.

    Args:
        tensor: Any shape and dtype that numpy has, with or without gradient.

    Returns:
        A view of its memory if they can share it, else a copy, which synchronizes a GPU.
    """
    tensor = tensor.detach()
    if shares_memory(tensor.device):
        return torch2xp(tensor)
    default = get_torch_default_device()
    if default.type == "cuda":
        return torch2xp(tensor.to(default))
    # Without `ops`, thinc makes an array of CuPy of a tensor on a GPU, even if there is no CuPy.
    return torch2xp(tensor, ops=NumpyOps())


def array_to_device(array: Array, device: torch.device) -> torch.Tensor:
    """The tensor of an array, on a device.

    Args:
        array: numpy or CuPy, any shape; or a tensor, as `kept_state` returns.
        device: The device of the tensor.

    Returns:
        A view of the array's memory if they can share it, else a copy.
    """
    if isinstance(array, torch.Tensor):
        return send(array, device)
    if shares_memory(device):
        return xp2torch(array, device=device)
    own = "cuda" if get_torch_default_device().type == "cuda" else "cpu"
    return send(xp2torch(array, device=torch.device(own)), device)


def kept_state(tensor: torch.Tensor) -> Array:
    """What an optimizer keeps of a tensor: its array, or the tensor if they can't share memory.

    The update of a parameter needs its state on the parameter's device. An array elsewhere would be
    copied there and back in each update.
    """
    return torch2xp(tensor) if shares_memory(tensor.device) else tensor

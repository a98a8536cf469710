"""Host-to-device copies without synchronization."""

import numpy as np
import torch
from torch import Tensor


def send(values: np.ndarray | Tensor, device: torch.device) -> Tensor:
    """Copy values to a device.

    A copy to a GPU synchronizes it, unless it starts from pinned memory.

    Args:
        values: An array or tensor of any shape and dtype.
        device: The target device.

    Returns:
        A tensor on the device; it shares memory if the device is the host.
    """
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def send_into(values: np.ndarray, target: Tensor) -> None:
    """Replace the values of a tensor.

    Args:
        values: Of the shape of the tensor.
        target: On any device.
    """
    tensor = torch.from_numpy(values)
    if target.device.type == "cuda":
        tensor = tensor.pin_memory()
    target.copy_(tensor, non_blocking=True)

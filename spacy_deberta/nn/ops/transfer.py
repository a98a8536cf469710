"""From the host to the device without waiting for it."""

import numpy as np
import torch
from torch import Tensor


def send(values: np.ndarray | Tensor, device: torch.device) -> Tensor:
    """Put values where they are needed.

    A copy to a GPU waits for what the GPU does just now, unless it starts from pinned memory.

    Args:
        values: An array or tensor of any shape and type.
        device: Where they are needed.

    Returns:
        The values, there; in the same memory if that is the host.
    """
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)

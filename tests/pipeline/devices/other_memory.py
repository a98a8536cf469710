"""A device named "far", whose tensors can't be mixed with those of the CPU.

Its tensors compute on the CPU, but PyTorch reports another device for them, and an operation that
mixes both raises an error, as on a GPU. The copies between both are counted, and the operations
whose result the CPU needs at once, for which it would wait for a GPU.
"""

from collections import Counter
from functools import cache
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

FAR = "far"
WAITING = ("_local_scalar_dense", "equal", "masked_select", "nonzero", "_unique2")


class FarTensor(torch.Tensor):
    """A tensor on the device, around one on the CPU."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> "FarTensor":
        far = torch.Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            dtype=near.dtype,
            device=torch.device(FAR, 0),
            strides=near.stride(),
            storage_offset=near.storage_offset(),
        )
        far.near = near
        return far

    @property
    def data(self) -> torch.Tensor:
        """PyTorch's, whose setter keeps the tensor within."""
        return FarTensor(self.near.data)

    @data.setter
    def data(self, other: torch.Tensor) -> None:
        assert isinstance(other, FarTensor)
        self.near = other.near

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"FarTensor({self.near!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {}, Counter())


class FarDevice(TorchDispatchMode):
    """Makes tensors on the device within its block; `copies` counts those to and from the CPU.

    Copies "to cpu" and "waits" are where the CPU waits.
    """

    def __init__(self) -> None:
        super().__init__()
        register()
        self.copies: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {}, self.copies)


@cache
def register() -> None:
    """Register the device with PyTorch, once a process."""

    class Guard(backend_registration._DummyDeviceGuard):
        def deviceCount(self):
            return 1

        def getDevice(self):
            return torch.device(FAR, 0)

    backend_registration._setup_privateuseone_for_python_backend(FAR, device_guard=Guard())


def _run(func, args, kwargs, copies):
    name = func.overloadpacket.__name__
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    any_far = any(isinstance(tensor, FarTensor) for tensor in tensors)
    # Tensors of one number are taken from the CPU on a GPU, too.
    near = [t for t in tensors if not isinstance(t, FarTensor) and t.ndim]
    # The lengths of packed sequences are on the CPU, too.
    if any_far and near and name not in ("copy_", "_pack_padded_sequence"):
        raise RuntimeError(f"{func} got tensors on 'cpu' and '{FAR}'")
    device = kwargs.get("device")
    is_far = any_far if device is None else torch.device(device).type == FAR
    if name == "copy_":
        is_far = isinstance(args[0], FarTensor)
    if name in WAITING and any_far:
        copies["waits"] += 1
    if name in ("_to_copy", "copy_") and any_far and not (is_far and not near):
        copies[f"to {FAR if is_far else 'cpu'}"] += 1
    elif name == "_to_copy" and is_far and not any_far:
        copies[f"to {FAR}"] += 1
    result = func(*tree_map(_near, args), **tree_map(_near, kwargs))
    if not is_far:
        return result
    return return_and_correct_aliasing(func, args, kwargs, tree_map(_far, result))


def _near(value: Any) -> Any:
    if isinstance(value, FarTensor):
        return value.near
    is_far = isinstance(value, torch.device) and value.type == FAR
    return torch.device("cpu") if is_far else value


def _far(value: Any) -> Any:
    return FarTensor(value) if type(value) is torch.Tensor else value

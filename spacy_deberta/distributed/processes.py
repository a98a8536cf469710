"""Data parallel training: several processes, one set of weights."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
import torch.distributed
from torch import Tensor

# torch has no public name for the store of a group that somebody else may have started.
from torch.distributed.distributed_c10d import _get_default_store

from spacy_deberta.errors import Errors

from .meeting import LONGEST_WAIT, Meeting


@dataclass(frozen=True)
class Processes:
    """The processes that train together. `torchrun` starts them; without it there is one.

    At the end of a `with` block, this process parts from the others.

    Attributes:
        rank: The number of this one.
        count: How many there are.
        device: Where this one computes.
        local_rank: The number of this one on its machine.
        meeting: Where they wait for each other; None for one that is alone.
    """

    rank: int
    count: int
    device: torch.device
    local_rank: int = 0
    meeting: Meeting | None = None

    @classmethod
    def join(cls, *, gpu: int | None = None) -> "Processes":
        """Meet the other processes, if `torchrun` started this one.

        Args:
            gpu: Number of a GPU, or a negative number for none; None for that of the process if
                there is one. Processes count upwards from the number.

        Raises:
            ValueError: There is no such GPU (E513).
        """
        count = int(os.environ.get("WORLD_SIZE", "1"))
        rank = int(os.environ.get("RANK", "0"))
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        use_gpu = torch.cuda.is_available() if gpu is None else gpu >= 0
        device = _take_gpu((gpu or 0) + local_rank) if use_gpu else torch.device("cpu")
        if count > 1 and not torch.distributed.is_initialized():
            backend = "nccl" if use_gpu else "gloo"
            torch.distributed.init_process_group(backend, timeout=LONGEST_WAIT)
        meeting = Meeting(_get_default_store(), count=count) if count > 1 else None
        return cls(rank=rank, count=count, device=device, local_rank=local_rank, meeting=meeting)

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    @property
    def alone(self) -> "Processes":
        """This one, as if there were no others."""
        return replace(self, rank=0, count=1, meeting=None)

    def sum_over(self, tensor: Tensor) -> Tensor:
        """Add up a tensor of all processes, in place; the same shape and type in each."""
        if self.count > 1:
            torch.distributed.all_reduce(tensor)
        return tensor

    def all_agree(self, agrees: bool) -> bool:
        """Whether every process says so."""
        self.wait()
        return int(self.sum_over(torch.tensor([int(agrees)], device=self.device))) == self.count

    def all_reduce_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Add up the gradients of all processes, in one message.

        Args:
            parameters: The same in each. One without a gradient in some process gets one, and one
                without a gradient anywhere gets zeros.
        """
        if self.count == 1:
            return
        parameters = list(parameters)
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def wait(self) -> None:
        """Wait until all processes are here, however long one of them takes."""
        if self.meeting is not None:
            self.meeting.wait()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *error: object) -> None:
        if self.count > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _take_gpu(number: int) -> torch.device:
    available = torch.cuda.device_count()
    if number >= available:
        reason = "this PyTorch has no CUDA" if torch.version.cuda is None else "there is none"
        if available:
            reason = f"there are {available}, one for each process on this machine"
        raise ValueError(Errors.E513.format(number=number, reason=reason))
    device = torch.device("cuda", number)
    try:
        torch.cuda.set_device(device)
    except RuntimeError as error:
        raise ValueError(Errors.E513.format(number=number, reason=error)) from error
    return device

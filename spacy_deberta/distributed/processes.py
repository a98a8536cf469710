"""The processes of data parallel training."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import TracebackType

import torch
import torch.distributed
from torch import Tensor

# torch has no public function for the store of a group that other code may have initialized.
from torch.distributed.distributed_c10d import _get_default_store

from spacy_deberta.errors import Errors

from .barrier import BARRIER_TIMEOUT, Barrier


@dataclass(frozen=True)
class Processes:
    """The processes of a training. `torchrun` starts them; without it there is one.

    As a context manager, it waits for all processes at the end, and destroys the process group.

    Attributes:
        rank: The rank of this process.
        count: Number of processes.
        device: The device of this process.
        local_rank: The rank of this process on its machine.
        barrier: Their barrier; None for a single process.
    """

    rank: int
    count: int
    device: torch.device
    local_rank: int = 0
    barrier: Barrier | None = None

    @classmethod
    def join(cls, *, gpu: int | None = None) -> "Processes":
        """Initialize the process group, if `torchrun` started this process.

        Args:
            gpu: Index of the first GPU, to which the local rank is added, or a negative number for
                the CPU; None for the GPU of the local rank, if there are any.

        Raises:
            ValueError: There is no such GPU (E513).
        """
        count = int(os.environ.get("WORLD_SIZE", "1"))
        rank = int(os.environ.get("RANK", "0"))
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        use_gpu = torch.cuda.is_available() if gpu is None else gpu >= 0
        device = _set_gpu((gpu or 0) + local_rank) if use_gpu else torch.device("cpu")
        if count > 1 and not torch.distributed.is_initialized():
            backend = "nccl" if use_gpu else "gloo"
            torch.distributed.init_process_group(backend, timeout=BARRIER_TIMEOUT)
        barrier = Barrier(_get_default_store(), count=count) if count > 1 else None
        return cls(rank=rank, count=count, device=device, local_rank=local_rank, barrier=barrier)

    @property
    def is_first(self) -> bool:
        """Whether this process is rank 0, which writes files."""
        return self.rank == 0

    @property
    def alone(self) -> "Processes":
        """This process as the only one."""
        return replace(self, rank=0, count=1, barrier=None)

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Sum a tensor over all ranks, in place; of the same shape and dtype on each."""
        if self.count > 1:
            torch.distributed.all_reduce(tensor)
        return tensor

    def all_agree(self, agrees: bool) -> bool:
        """Whether `agrees` is true on all ranks."""
        self.wait()
        return int(self.all_reduce(torch.tensor([int(agrees)], device=self.device))) == self.count

    def all_reduce_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Sum the gradients over all ranks, in one all-reduce.

        Args:
            parameters: The same on each rank. A missing gradient counts as zeros.
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
        """Wait at the barrier until all processes have reached it."""
        if self.barrier is not None:
            self.barrier.wait()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            # `torchrun` kills all processes when one fails, also at its exit. So none leaves before
            # the last file is written.
            self.wait()
        if self.count > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _set_gpu(number: int) -> torch.device:
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

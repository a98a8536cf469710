"""Gradients of large tables of which a batch needs few rows."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class TableGradients:
    """Memory for the gradients of embeddings, kept from update to update.

    A batch reads a thousand of the 128,100 rows of DeBERTa-v3's vocabulary, but an optimizer moves
    all of them. New memory for a gradient of 394 MB costs a tenth of a training step in bf16 on two
    cores, most of it for zeros. So autograd gives the rows that were read, as a sparse tensor, and
    zeros are only written where the last update left something.
    """

    def __init__(self) -> None:
        self._zeros: list[Tensor] = []

    @contextmanager
    def made_dense(
        self, parameters: Iterable[torch.nn.Parameter], *, keep_memory: bool
    ) -> Iterator[None]:
        """Within a block, sparse gradients are dense ones. After it, they are dropped.

        Args:
            parameters: Those with a sparse gradient are tables, `(rows, width)`; others are left
                alone.
            keep_memory: Whether rows of zeros are still zeros after the block, and nobody else has
                the gradients.
        """
        filled: list[tuple[torch.nn.Parameter, Tensor, Tensor]] = []
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is not None and gradient.is_sparse:
                # Not coalesced: sorting the rows costs more than adding some of them twice.
                rows = gradient._indices()[0]
                dense = self._take_zeros(parameter)
                parameter.grad = dense.index_add_(0, rows, gradient._values())
                filled.append((parameter, dense, rows))
        try:
            yield
        finally:
            for parameter, dense, rows in filled:
                parameter.grad = None
                if keep_memory:
                    dense.index_fill_(0, rows, 0.0)
            if filled:  # spaCy asks for updates without gradients too
                self._zeros = [dense for _, dense, _ in filled] if keep_memory else []

    def _take_zeros(self, like: Tensor) -> Tensor:
        for place, zeros in enumerate(self._zeros):
            if _kind(zeros) == _kind(like):
                return self._zeros.pop(place)
        return torch.zeros_like(like)


def _kind(tensor: Tensor) -> tuple[torch.Size, torch.dtype, torch.device]:
    return tensor.shape, tensor.dtype, tensor.device

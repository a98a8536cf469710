"""Gradients of large embedding tables that are nonzero in few rows."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class TableGradients:
    """Buffers for the gradients of embeddings, reused by every update.

    A batch uses about a thousand of the 128,100 rows of DeBERTa-v3's vocabulary, but an optimizer
    updates all of them. Allocating a gradient of 394 MB takes a tenth of a training step in bf16 on
    two cores, most of it for zeros. So autograd returns a sparse gradient of the rows in the batch,
    and only the rows of the last update are zeroed.
    """

    def __init__(self) -> None:
        self._zeros: list[Tensor] = []

    @contextmanager
    def made_dense(
        self, parameters: Iterable[torch.nn.Parameter], *, keep_memory: bool
    ) -> Iterator[Mapping[torch.nn.Parameter, Tensor]]:
        """Context in which sparse gradients are dense. They are dropped at its end.

        Args:
            parameters: Those with a sparse gradient are tables, `(rows, width)`; others are not
                changed.
            keep_memory: Whether the buffers can be reused: rows of zeros are still zeros after the
                block, and there is no other reference to the gradients.

        Yields:
            For each table, the rows that were in its sparse gradient: int64, with duplicates.
        """
        filled: list[tuple[torch.nn.Parameter, Tensor, Tensor]] = []
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is not None and gradient.is_sparse:
                # Not coalesced: sorting the rows takes longer than adding duplicates.
                rows = gradient._indices()[0]
                dense = self._take_zeros(parameter)
                parameter.grad = dense.index_add_(0, rows, gradient._values())
                filled.append((parameter, dense, rows))
        try:
            yield {parameter: rows for parameter, _, rows in filled}
        finally:
            for parameter, dense, rows in filled:
                parameter.grad = None
                if keep_memory:
                    dense.index_fill_(0, rows, 0.0)
            if filled:  # spaCy also calls for updates without gradients
                self._zeros = [dense for _, dense, _ in filled] if keep_memory else []

    def _take_zeros(self, like: Tensor) -> Tensor:
        for place, zeros in enumerate(self._zeros):
            if _kind(zeros) == _kind(like):
                return self._zeros.pop(place)
        return torch.zeros_like(like)


def _kind(tensor: Tensor) -> tuple[torch.Size, torch.dtype, torch.device]:
    return tensor.shape, tensor.dtype, tensor.device

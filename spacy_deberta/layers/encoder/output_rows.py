"""The output of a whole batch, joined from those of its sub-batches."""

from typing import Any

import torch

from spacy_deberta.nn import send

from .batches import BatchPlan, EncoderBatch

# The output of one layer, or of several.
Rows = list[torch.Tensor]


class OutputRows:
    """Joins the outputs of sub-batches.

    Inference copies each into the whole output at once: only the whole output and one sub-batch are
    in memory. Training keeps them with their autograd graphs.

    Args:
        plan: Where the rows of each sub-batch go.
        is_train: Whether the rows are backpropagated.
    """

    def __init__(self, plan: BatchPlan, *, is_train: bool) -> None:
        self._size = plan.size
        self._zero_rows = plan.zeros
        self._is_train = is_train
        self._whole: Rows = []
        self._parts: list[Rows] = []
        self._targets: list[torch.Tensor] = []

    def add(self, batch: EncoderBatch, layers: Rows) -> None:
        """Add the output of a sub-batch, `(rows, width)` for each layer."""
        if batch.targets is None:
            # A copy of all rows would cost more than everything else between documents and encoder.
            self._whole = layers
            return
        if batch.runs is not None and not self._is_train:
            for whole, rows in zip(self._whole_output(layers), layers, strict=True):
                to, of = _indexable(whole), _indexable(rows)
                for source, target, length in batch.runs:
                    # In numpy: torch would start its threads for each range, and wait for them.
                    to[target : target + length] = of[source : source + length]
            return
        device = layers[-1].device
        targets = send(batch.targets, device)
        if batch.kept is not None:
            kept = send(batch.kept, device)
            layers = [rows.index_select(0, kept) for rows in layers]
        if self._is_train:
            self._parts.append(layers)
            self._targets.append(targets)
            return
        for whole, rows in zip(self._whole_output(layers), layers, strict=True):
            whole.index_copy_(0, targets, rows)

    def joined(self) -> Rows:
        """The whole output, `(size, width)` for each layer, after the last sub-batch."""
        if not self._parts:
            return self._whole
        targets = torch.cat(self._targets)
        joined = (torch.cat(parts) for parts in zip(*self._parts, strict=True))
        return [self._zeros(rows).index_copy(0, targets, rows) for rows in joined]

    def _whole_output(self, layers: Rows) -> Rows:
        if not self._whole:
            # Zeros everywhere would take as long as copying all rows.
            self._whole = [rows.new_empty(self._size, rows.shape[1]) for rows in layers]
            if len(self._zero_rows):
                zeros = send(self._zero_rows, layers[-1].device)
                for whole in self._whole:
                    whole.index_fill_(0, zeros, 0.0)
        return self._whole

    def _zeros(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.new_zeros(self._size, rows.shape[1])


def _indexable(rows: torch.Tensor) -> Any:
    return rows.detach().numpy() if rows.device.type == "cpu" else rows

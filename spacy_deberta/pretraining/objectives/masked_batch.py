"""A batch of an objective: inputs and labels on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spacy_deberta.nn import PackedPieces, send
from spacy_deberta.pretraining.masking.masking import MaskedSequences


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskedBatch:
    """Packed sequences with masked pieces.

    Attributes:
        pieces: The model's input.
        rows: Rows of the chosen pieces, (chosen,) int64, on the host to avoid synchronization.
        device_rows: The same on the device.
        originals: Their original ids, (chosen,) int64.
        noise: Uniform from 0 to 1, for sampling a piece in their place, (chosen,) float32.
        replaced: 1 for pieces that a generator replaced, else 0, (total_pieces,) float32; None
            without a generator.
    """

    pieces: PackedPieces
    rows: Tensor
    device_rows: Tensor
    originals: Tensor
    noise: Tensor
    replaced: Tensor | None = None

    @classmethod
    def from_masked(cls, masked: MaskedSequences, device: torch.device) -> "MaskedBatch":
        """Send masked sequences to a device."""
        rows = torch.from_numpy(masked.rows)
        ids = send(masked.ids, device)
        return cls(
            pieces=PackedPieces.from_lengths(ids, masked.lengths.tolist()),
            rows=rows,
            device_rows=send(rows, device),
            originals=send(masked.originals, device),
            noise=send(masked.noise.astype("float32"), device),
        )

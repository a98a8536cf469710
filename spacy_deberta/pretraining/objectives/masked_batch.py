"""A batch as an objective gets it: on the device, with what is to be guessed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spacy_deberta.nn import PackedPieces, send
from spacy_deberta.pretraining.masking.masking import MaskedSequences


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskedBatch:
    """Packed sequences, some pieces of which are hidden.

    Attributes:
        pieces: What the model sees.
        rows: The chosen pieces, (chosen,) int64, on the host, so that nothing waits for them.
        device_rows: The same on the device.
        originals: What they were, (chosen,) int64.
        noise: From 0 to 1, for drawing a piece in their place, (chosen,) float32.
        replaced: 1 for pieces that another model put there, else 0, (total_pieces,) float32; None
            if no model did.
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

"""What the head for questions is trained with, on sequences."""

import torch

from spacy_deberta import models, nn
from spacy_deberta.arrays import Ints

from .loss_gradient import Loss
from .sequences import Sequences


def answer_loss(sequences: Sequences, first: Ints, last: Ints) -> Loss:
    """Make the loss of a batch: where the answers start and end.

    Args:
        sequences: The sequences, packed.
        first: Place of the answer's first piece within each sequence, `(sequences,)`; 0, that of
            `[CLS]`, where there is none.
        last: The same for its last piece.

    Returns:
        From the scores of the head, `(rows, 2)`, to the mean of the cross entropies.
    """
    pieces = nn.PackedPieces.from_lengths(
        torch.from_numpy(sequences.input_ids), sequences.lengths.tolist()
    )

    def loss(scores: torch.Tensor) -> torch.Tensor:
        starts, ends = scores.unbind(-1)
        start_positions, end_positions = (
            torch.from_numpy(places).to(scores.device) for places in (first, last)
        )
        return models.answer_loss(starts, ends, start_positions, end_positions, pieces)

    return loss

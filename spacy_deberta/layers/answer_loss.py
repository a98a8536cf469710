"""The loss of the question answering head, on sequences."""

import torch

from spacy_deberta import models, nn
from spacy_deberta.arrays import Ints

from .loss_gradient import Loss
from .sequences import Sequences


def answer_loss(sequences: Sequences, first: Ints, last: Ints) -> Loss:
    """Make the loss of a batch from the start and end of its answers.

    Args:
        sequences: The sequences, packed.
        first: Index of the answer's first piece within each sequence, `(sequences,)`; 0, that of
            `[CLS]`, if there is no answer.
        last: The same for its last piece.

    Returns:
        A function from the logits of the head, `(rows, 2)`, to the mean of the cross entropies.
    """
    pieces = nn.PackedPieces.from_lengths(
        torch.from_numpy(sequences.input_ids), sequences.lengths.tolist()
    )

    def loss(scores: torch.Tensor) -> torch.Tensor:
        starts, ends = scores.unbind(-1)
        start_positions, end_positions = (
            torch.from_numpy(positions).to(scores.device) for positions in (first, last)
        )
        return models.answer_loss(starts, ends, start_positions, end_positions, pieces)

    return loss

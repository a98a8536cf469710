"""The convolution beside the first layer of DeBERTa-v2 (not v3)."""

import numpy as np
from torch import Tensor, nn

from .attention.interface import sequence_starts
from .config import DebertaV2Config
from .inference.row_blocks import rounded
from .ops.activations import resolve_activation
from .ops.dropout import Dropout
from .ops.transfer import send


class ConvLayer(nn.Module):
    """n-gram induced input encoding (nGiE): convolved embeddings, added to the output of layer 0.

    Args:
        config: Has kernel size, groups and activation.

    Source: The DeBERTa-v2 release (README of microsoft/DeBERTa, "nGiE"); `deberta.encoder.conv.*`.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        width = config.hidden_size
        # No padding option: the zero rows between the sequences are the padding.
        self.conv = nn.Conv1d(width, width, config.conv_kernel_size, groups=config.conv_groups)
        self.LayerNorm = nn.LayerNorm(width, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.activation = resolve_activation(config.conv_act, field="conv_act")
        self.reach = config.conv_kernel_size // 2

    def forward(self, embedded: Tensor, hidden: Tensor, lengths: tuple[int, ...]) -> Tensor:
        """Convolve the embeddings and add them to the output of the first layer.

        Args:
            embedded: (total_pieces, hidden_size), output of the embeddings.
            hidden: (total_pieces, hidden_size), output of the first layer.
            lengths: Number of pieces of every sequence.

        Returns:
            (total_pieces, hidden_size).
        """
        if not len(embedded):
            return hidden
        # Zero rows before, between and after the sequences, so that no window spans two of them.
        indices = send(_gapped_rows(lengths, self.reach), embedded.device)
        # oneDNN compiles a convolution for each number of rows; rounding up limits the shapes.
        rows = rounded(len(embedded) + self.reach * (len(lengths) + 1))
        gapped = embedded.new_zeros(rows, embedded.shape[1]).index_copy(0, indices, embedded)
        convolved = self.conv(gapped.T[None])[0].T.index_select(0, indices - self.reach)
        return self.LayerNorm(hidden + self.activation(self.dropout(convolved)))


def _gapped_rows(lengths: tuple[int, ...], gap: int) -> np.ndarray:
    """Row of every piece, with a gap before every sequence: (total_pieces,) int64."""
    return np.concatenate(
        [
            np.arange(first, first + length, dtype=np.int64) + gap * (index + 1)
            for index, (first, length) in enumerate(
                zip(sequence_starts(lengths), lengths, strict=True)
            )
        ]
    )

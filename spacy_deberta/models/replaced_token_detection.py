"""Replaced token detection, the pretraining task of DeBERTa-v3."""

import numpy as np
from torch import Tensor, nn

from spacy_deberta.nn import (
    DebertaV2Config,
    PackedPieces,
    resolve_activation,
    send,
)

from .losses import binary_cross_entropy
from .with_head import DebertaV2WithHead, HeadOutput, check_shape


class ReplacedTokenDetectionOutput(HeadOutput):
    """Output of `DebertaV2ForReplacedTokenDetection`.

    Args:
        loss: Scalar, if there were labels.
        logits: (batch, length), zeros in padding; or (total_pieces,). Positive where the model
            predicts a replaced piece.
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """


class ReplacementHead(nn.Module):
    """One logit per piece, from its hidden state and that of its sequence's [CLS].

    Args:
        config: Width and activation.

    Source: `mask_predictions.*` of the checkpoints; `ReplacedTokenDetectionModel` of
        microsoft/DeBERTa.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = resolve_activation(config.hidden_act, field="hidden_act")
        self.classifier = nn.Linear(config.hidden_size, 1)

    def forward(self, hidden: Tensor, cls_rows: Tensor) -> Tensor:
        """Score pieces.

        Args:
            hidden: (total_pieces, hidden_size).
            cls_rows: (total_pieces, hidden_size), for every piece its sequence's [CLS] row.

        Returns:
            (total_pieces,).
        """
        hidden = self.activation(self.dense(self.LayerNorm(cls_rows + hidden)))
        return self.classifier(hidden).squeeze(-1)


class DebertaV2ForReplacedTokenDetection(DebertaV2WithHead):
    """The encoder with the discriminator's head: is this piece original or replaced?

    Hugging Face has no such class; the arguments are those of its token classifier.

    Args:
        config: The model's config.
        attention: Name of an attention kernel, or "auto".

    Source: He et al. 2021 (arXiv 2111.09543), section 3.1; `deberta.*` and `mask_predictions.*` of
        the microsoft/deberta-v3-* checkpoints.
    """

    piece_fields = frozenset({"labels", "logits"})

    def __init__(self, config: DebertaV2Config, *, attention: str = "auto") -> None:
        super().__init__(config, attention=attention)
        self.mask_predictions = ReplacementHead(config)
        self._init_head()

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> ReplacedTokenDetectionOutput:
        """Score packed pieces.

        Args:
            pieces: The batch.
            labels: (total_pieces,) of any dtype, 1 for replaced pieces, 0 for original ones, -100
                to ignore a piece.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (total_pieces,), and the mean binary cross entropy if there are labels.

        Raises:
            ValueError: If the labels have another shape (E117).
        """
        encoded = self.deberta.forward_packed(
            pieces,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        hidden = encoded.last_hidden_state
        logits = self.mask_predictions(hidden, hidden.index_select(0, _cls_index(pieces)))
        loss = None
        if labels is not None:
            check_shape("labels", labels, (pieces.total_pieces,))
            loss = binary_cross_entropy(logits, labels)
        return ReplacedTokenDetectionOutput.of(encoded, logits=logits, loss=loss)

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """One logit per piece, (total_pieces, 1)."""
        return self.forward_packed(pieces).logits.unsqueeze(-1)


def _cls_index(pieces: PackedPieces) -> Tensor:
    """For every piece the row index of its sequence's [CLS]: (total_pieces,) int64."""
    lengths = np.array(pieces.lengths, dtype=np.int64)
    return send(np.repeat(lengths.cumsum() - lengths, lengths), pieces.device)

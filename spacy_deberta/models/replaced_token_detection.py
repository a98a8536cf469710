"""Which pieces a generator replaced: the task that DeBERTa-v3 was pre-trained with."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from spacy_deberta.nn import (
    DebertaV2Config,
    LayerAttentions,
    ModelOutput,
    PackedPieces,
    resolve_activation,
    send,
)

from .losses import binary_cross_entropy
from .with_head import DebertaV2WithHead, check_shape


@dataclass(frozen=True, eq=False)
class ReplacedTokenDetectionOutput(ModelOutput):
    """Output of `DebertaV2ForReplacedTokenDetection`.

    Args:
        loss: Scalar, if there were labels.
        logits: (batch, length), zeros in padding; or (total_pieces,). Positive where the model
            thinks that a piece was replaced.
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """

    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: LayerAttentions | None = None


class ReplacementHead(nn.Module):
    """One score per piece, made of its row and that of the first piece of its sequence.

    Args:
        config: Says width and activation.

    Source: `mask_predictions.*` of the checkpoints; `ReplacedTokenDetectionModel` of
        microsoft/DeBERTa.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = resolve_activation(config.hidden_act, field="hidden_act")
        self.classifier = nn.Linear(config.hidden_size, 1)

    def forward(self, rows: Tensor, firsts: Tensor) -> Tensor:
        """Score pieces.

        Args:
            rows: (total_pieces, hidden_size).
            firsts: (total_pieces, hidden_size), for every piece the row of its sequence's first.

        Returns:
            (total_pieces,).
        """
        rows = self.activation(self.dense(self.LayerNorm(firsts + rows)))
        return self.classifier(rows).squeeze(-1)


class DebertaV2ForReplacedTokenDetection(DebertaV2WithHead):
    """The encoder with the discriminator's head: was this piece in the text, or put there?

    Hugging Face has no such class; the arguments are those of its token classifier.

    Args:
        config: What the model is made of.
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
            labels: (total_pieces,) of any type, 1 for pieces that were replaced, 0 for others,
                -100 for those that don't count.
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
        rows = encoded.last_hidden_state
        logits = self.mask_predictions(rows, rows.index_select(0, _first_of_each(pieces)))
        loss = None
        if labels is not None:
            check_shape("labels", labels, (pieces.total_pieces,))
            loss = binary_cross_entropy(logits, labels)
        return ReplacedTokenDetectionOutput(
            loss=loss,
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """One score for each piece, (total_pieces, 1)."""
        return self.forward_packed(pieces).logits.unsqueeze(-1)


def _first_of_each(pieces: PackedPieces) -> Tensor:
    """For every piece the row of its sequence's first piece: (total_pieces,) int64."""
    lengths = np.array(pieces.lengths, dtype=np.int64)
    return send(np.repeat(lengths.cumsum() - lengths, lengths), pieces.device)

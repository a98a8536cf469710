"""Which pieces a generator replaced: the task that DeBERTa-v3 was pre-trained with."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from spacy_deberta.nn import (
    DebertaV2Config,
    PackedPieces,
    ReplacedTokenDetectionOutput,
    resolve_activation,
    send,
)

from .losses import binary_cross_entropy
from .padding import pad_output
from .with_head import DebertaV2WithHead, check_shape


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

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> ReplacedTokenDetectionOutput | tuple[Any, ...]:
        """Score the pieces of a padded batch.

        Args:
            input_ids: See `DebertaV2Model.forward`, as for all arguments not named here.
            attention_mask: See there.
            token_type_ids: See there.
            position_ids: See there.
            inputs_embeds: See there.
            labels: (batch, length), as in `forward_packed`. Padding never counts.
            output_attentions: See there.
            output_hidden_states: See there.
            return_dict: False for a tuple.

        Returns:
            Logits of (batch, length), zeros in padding, and the mean binary cross entropy if there
            are labels.
        """
        pieces = PackedPieces.from_padded(
            input_ids,
            attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        packed = self.forward_packed(
            pieces,
            labels=None if labels is None else pieces.unpad(labels),
            output_hidden_states=bool(output_hidden_states),
            output_attentions=bool(output_attentions),
        )
        output = pad_output(packed, pieces, "logits")
        return output.to_tuple() if return_dict is False else output


def _first_of_each(pieces: PackedPieces) -> Tensor:
    """For every piece the row of its sequence's first piece: (total_pieces,) int64."""
    lengths = np.array(pieces.lengths, dtype=np.int64)
    return send(np.repeat(lengths.cumsum() - lengths, lengths), pieces.device)

"""One class per piece: named entities, tags."""

from typing import Any

from torch import Tensor, nn

from spacy_deberta.nn import DebertaV2Config, Dropout, PackedPieces, TokenClassifierOutput

from .losses import cross_entropy
from .padding import pad_output
from .with_head import DebertaV2WithHead


class DebertaV2ForTokenClassification(DebertaV2WithHead):
    """The encoder with a linear classifier on every piece.

    Args:
        config: What the model is made of; `id2label` names the classes.
        attention: Name of an attention kernel, or "auto".

    Source: `deberta.*` and `classifier.*` of Hugging Face's class of that name.
    """

    def __init__(self, config: DebertaV2Config, *, attention: str = "auto") -> None:
        super().__init__(config, attention=attention)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self._init_head()

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> TokenClassifierOutput:
        """Classify packed pieces.

        Args:
            pieces: The batch.
            labels: (total_pieces,) int64, -100 for pieces that don't count.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (total_pieces, num_labels), and the mean cross entropy if there are labels.
        """
        encoded = self.deberta.forward_packed(
            pieces,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        return TokenClassifierOutput(
            loss=None if labels is None else cross_entropy(logits, labels),
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
    ) -> TokenClassifierOutput | tuple[Any, ...]:
        """Classify a padded batch.

        Args:
            input_ids: See `DebertaV2Model.forward`, as for all arguments not named here.
            attention_mask: See there.
            token_type_ids: See there.
            position_ids: See there.
            inputs_embeds: See there.
            labels: (batch, length) int64, -100 for pieces that don't count. Padding never does.
            output_attentions: See there.
            output_hidden_states: See there.
            return_dict: False for a tuple.

        Returns:
            Logits of (batch, length, num_labels), zeros in padding, and the mean cross entropy if
            there are labels.
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

"""One answer per sequence: a class, several labels, or numbers."""

from typing import Any

from torch import Tensor, nn

from spacy_deberta.nn import ContextPooler, DebertaV2Config, PackedPieces, SequenceClassifierOutput

from .losses import sequence_loss
from .padding import pad_output
from .with_head import DebertaV2WithHead, classifier_dropout, first_rows


class DebertaV2ForSequenceClassification(DebertaV2WithHead):
    """The encoder with a pooler and a linear classifier on it.

    Args:
        config: What the model is made of; `id2label` names the classes, `problem_type` says what
            kind of labels they are.
        attention: Name of an attention kernel, or "auto".

    Source: `deberta.*`, `pooler.*` and `classifier.*` of Hugging Face's class of that name and of
        the microsoft/deberta-v2-*-mnli checkpoints.
    """

    def __init__(self, config: DebertaV2Config, *, attention: str = "auto") -> None:
        super().__init__(config, attention=attention)
        self.pooler = ContextPooler(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.pooler_dim, config.num_labels)
        self._init_head()

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> SequenceClassifierOutput:
        """Classify packed sequences.

        Args:
            pieces: The batch.
            labels: One or more per sequence: see `losses.sequence_loss`.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (sequences, num_labels), and the loss of the problem type if there are
            labels.

        Raises:
            ValueError: If a sequence is empty (E119), the problem type is unknown (E104) or the
                labels have another shape (E117).
        """
        encoded = self.deberta.forward_packed(
            pieces,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        pooled = self.pooler(first_rows(encoded.last_hidden_state, pieces))
        logits = self.classifier(self.dropout(pooled))
        loss = None
        if labels is not None:
            loss = sequence_loss(logits, labels, self.config.problem_type)
        return SequenceClassifierOutput(
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
    ) -> SequenceClassifierOutput | tuple[Any, ...]:
        """Classify a padded batch.

        Args:
            input_ids: See `DebertaV2Model.forward`, as for all arguments not named here.
            attention_mask: See there.
            token_type_ids: See there.
            position_ids: See there.
            inputs_embeds: See there.
            labels: As in `forward_packed`.
            output_attentions: See there.
            output_hidden_states: See there.
            return_dict: False for a tuple.

        Returns:
            Logits of (batch, num_labels), and the loss if there are labels. They answer from the
            first piece of every sequence, also where padding stands to the left of it.
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
            labels=labels,
            output_hidden_states=bool(output_hidden_states),
            output_attentions=bool(output_attentions),
        )
        output = pad_output(packed, pieces)
        return output.to_tuple() if return_dict is False else output

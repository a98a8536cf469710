"""Sequence classification and regression."""

from torch import Tensor, nn

from spacy_deberta.nn import (
    ContextPooler,
    DebertaV2Config,
    PackedPieces,
)

from .losses import sequence_loss
from .with_head import DebertaV2WithHead, HeadOutput, classifier_dropout, cls_rows


class SequenceClassifierOutput(HeadOutput):
    """Output of `DebertaV2ForSequenceClassification`.

    Args:
        loss: Scalar, if there were labels.
        logits: (sequences, num_labels).
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """


class DebertaV2ForSequenceClassification(DebertaV2WithHead):
    """The encoder with a pooler and a linear classifier on it.

    Args:
        config: The model's config; `id2label` names the classes, `problem_type` is the kind of
            labels.
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
            Logits of (sequences, num_labels), and the loss for the problem type if there are
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
        pooled = self.pooler(cls_rows(encoded.last_hidden_state, pieces))
        logits = self.classifier(self.dropout(pooled))
        loss = None
        if labels is not None:
            loss = sequence_loss(logits, labels, self.config.problem_type)
        return SequenceClassifierOutput.of(encoded, logits=logits, loss=loss)

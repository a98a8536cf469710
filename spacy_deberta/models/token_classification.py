"""One class per piece: named entities, tags."""

from torch import Tensor, nn

from spacy_deberta.nn import DebertaV2Config, Dropout, PackedPieces

from .losses import cross_entropy
from .with_head import DebertaV2WithHead, HeadOutput


class TokenClassifierOutput(HeadOutput):
    """Output of `DebertaV2ForTokenClassification`.

    Args:
        loss: Scalar, if there were labels.
        logits: (batch, length, num_labels), zeros in padding; or (total_pieces, num_labels).
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """


class DebertaV2ForTokenClassification(DebertaV2WithHead):
    """The encoder with a linear classifier on every piece.

    Args:
        config: The model's config; `id2label` names the classes.
        attention: Name of an attention kernel, or "auto".

    Source: `deberta.*` and `classifier.*` of Hugging Face's class of that name.
    """

    piece_fields = frozenset({"labels", "logits"})

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
            labels: (total_pieces,) int64, -100 to ignore a piece.
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
        return TokenClassifierOutput.of(
            encoded, logits=logits, loss=None if labels is None else cross_entropy(logits, labels)
        )

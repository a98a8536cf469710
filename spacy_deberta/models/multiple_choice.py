"""Multiple choice: one logit per choice."""

from typing import Any

from torch import Tensor, nn

from spacy_deberta.errors import Errors
from spacy_deberta.nn import (
    ContextPooler,
    DebertaV2Config,
    PackedPieces,
    check_tensors,
)

from .losses import cross_entropy
from .with_head import DebertaV2WithHead, HeadOutput, check_shape, classifier_dropout, cls_rows


class MultipleChoiceModelOutput(HeadOutput):
    """Output of `DebertaV2ForMultipleChoice`.

    Args:
        loss: Scalar, if there were labels.
        logits: (questions, choices).
        hidden_states: As in `EncoderOutput`, every choice a sequence.
        attentions: As in `EncoderOutput`, every choice a sequence.
    """


class DebertaV2ForMultipleChoice(DebertaV2WithHead):
    """The encoder with a pooler and one logit per sequence; softmax is over a question's choices.

    Args:
        config: The model's config. Its labels are not used.
        attention: Name of an attention kernel, or "auto".

    Source: `deberta.*`, `pooler.*` and `classifier.*` of Hugging Face's class of that name.
    """

    def __init__(self, config: DebertaV2Config, *, attention: str = "auto") -> None:
        super().__init__(config, attention=attention)
        self.pooler = ContextPooler(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.pooler_dim, 1)
        self._init_head()

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        choices: int,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> MultipleChoiceModelOutput:
        """Score packed sequences.

        Args:
            pieces: The batch: all choices of the first question, then those of the second, ...
            choices: Number of choices per question.
            labels: (questions,) int64, the correct choice, -100 to ignore a question.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (questions, choices), and the mean cross entropy if there are labels.

        Raises:
            ValueError: If the number of sequences is no multiple of `choices` (E121), a sequence is
                empty (E119), or the labels have another shape (E117).
        """
        sequences = len(pieces.lengths)
        if choices < 1 or sequences % choices:
            raise ValueError(Errors.E121.format(sequences=sequences, choices=choices))
        encoded = self.deberta.forward_packed(
            pieces,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        pooled = self.pooler(cls_rows(encoded.last_hidden_state, pieces))
        logits = self.classifier(self.dropout(pooled)).view(-1, choices)
        loss = None
        if labels is not None:
            check_shape("labels", labels, (len(logits),))
            loss = cross_entropy(logits, labels)
        return MultipleChoiceModelOutput.of(encoded, logits=logits, loss=loss)

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """Logits of single choices, so that questions may have different numbers of them."""
        return self.forward_packed(pieces, choices=1).logits

    def _pack(
        self, batch: dict[str, Tensor | None], options: dict[str, Any]
    ) -> tuple[PackedPieces, dict[str, Any]]:
        """Flatten a batch of (batch, choices, length, ...) to one sequence per choice."""
        check_tensors(batch)
        for name, dims in (("input_ids", 3), ("inputs_embeds", 4)):
            given = batch[name]
            if given is None:
                continue
            if given.dim() != dims:
                expected = "(batch, choices, length, ...)"
                raise ValueError(
                    Errors.E117.format(name=name, shape=tuple(given.shape), expected=expected)
                )
            options = {**options, "choices": given.shape[1]}
        return super()._pack({name: _flat(values) for name, values in batch.items()}, options)


def _flat(values: Tensor | None) -> Tensor | None:
    """(batch, choices, length, ...) as (batch * choices, length, ...)."""
    return None if values is None else values.flatten(0, 1)

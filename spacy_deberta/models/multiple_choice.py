"""Which of several continuations or answers is the right one."""

from typing import Any

from torch import Tensor, nn

from spacy_deberta.errors import Errors
from spacy_deberta.nn import ContextPooler, DebertaV2Config, MultipleChoiceModelOutput, PackedPieces

from .losses import cross_entropy
from .padding import pad_output
from .with_head import DebertaV2WithHead, check_shape, classifier_dropout, first_rows


class DebertaV2ForMultipleChoice(DebertaV2WithHead):
    """The encoder with a pooler and one score per sequence; the choices of a question compete.

    Args:
        config: What the model is made of. Its labels play no part.
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
            choices: How many choices every question has.
            labels: (questions,) int64, the right choice, -100 for questions that don't count.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (questions, choices), and the mean cross entropy if there are labels.

        Raises:
            ValueError: If the sequences are no questions of so many choices (E121), one of them is
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
        pooled = self.pooler(first_rows(encoded.last_hidden_state, pieces))
        logits = self.classifier(self.dropout(pooled)).view(-1, choices)
        loss = None
        if labels is not None:
            check_shape("labels", labels, (len(logits),))
            loss = cross_entropy(logits, labels)
        return MultipleChoiceModelOutput(
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
    ) -> MultipleChoiceModelOutput | tuple[Any, ...]:
        """Score a padded batch.

        Args:
            input_ids: (batch, choices, length) of any integer type.
            attention_mask: (batch, choices, length), as in `DebertaV2Model.forward`.
            token_type_ids: (batch, choices, length).
            position_ids: (batch, choices, length).
            inputs_embeds: (batch, choices, length, embedding_width), in place of ids.
            labels: (batch,) int64, the right choice, -100 for questions that don't count.
            output_attentions: See `DebertaV2Model.forward`.
            output_hidden_states: See `DebertaV2Model.forward`.
            return_dict: False for a tuple.

        Returns:
            Logits of (batch, choices), and the mean cross entropy if there are labels. Hidden
            states and attentions have all choices in their first dimension.

        Raises:
            ValueError: If the input has no dimension for choices (E117), or see `forward_packed`.
        """
        given = input_ids if inputs_embeds is None else inputs_embeds
        if given is not None and given.dim() != (3 if inputs_embeds is None else 4):
            name = "input_ids" if inputs_embeds is None else "inputs_embeds"
            raise ValueError(
                Errors.E117.format(
                    name=name, shape=tuple(given.shape), expected="(batch, choices, length, ...)"
                )
            )
        pieces = PackedPieces.from_padded(
            _flat(input_ids),
            _flat(attention_mask),
            token_type_ids=_flat(token_type_ids),
            position_ids=_flat(position_ids),
            inputs_embeds=_flat(inputs_embeds),
        )
        assert given is not None
        packed = self.forward_packed(
            pieces,
            choices=given.shape[1],
            labels=labels,
            output_hidden_states=bool(output_hidden_states),
            output_attentions=bool(output_attentions),
        )
        output = pad_output(packed, pieces)
        return output.to_tuple() if return_dict is False else output


def _flat(values: Tensor | None) -> Tensor | None:
    """(batch, choices, length, ...) as (batch * choices, length, ...)."""
    return None if values is None else values.flatten(0, 1)

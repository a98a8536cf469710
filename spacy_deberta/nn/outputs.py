"""What models return."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

# Of a padded batch one tensor per layer, (batch, heads, query, key); of packed pieces per layer
# one tensor per sequence, (heads, length, length).
LayerAttentions = tuple[Tensor, ...] | tuple[tuple[Tensor, ...], ...]


@dataclass(frozen=True, eq=False)
class EncoderOutput:
    """Output of `DebertaV2Model`.

    Args:
        last_hidden_state: (batch, length, hidden_size), zeros in padding; or (total_pieces,
            hidden_size) of packed pieces.
        hidden_states: The same for the embeddings and then every layer, if asked for.
        attentions: The probabilities of every layer (in training, after their dropout), zeros in
            padding, if asked for.
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: LayerAttentions | None = None

    def to_tuple(self) -> tuple[Any, ...]:
        """What is there, in this order: what Hugging Face returns without `return_dict`."""
        return _present(self.last_hidden_state, self.hidden_states, self.attentions)


@dataclass(frozen=True, eq=False)
class TokenClassifierOutput:
    """Output of `DebertaV2ForTokenClassification`.

    Args:
        loss: Scalar, if there were labels.
        logits: (batch, length, num_labels), zeros in padding; or (total_pieces, num_labels).
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """

    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: LayerAttentions | None = None

    def to_tuple(self) -> tuple[Any, ...]:
        """What is there, in this order: what Hugging Face returns without `return_dict`."""
        return _present(self.loss, self.logits, self.hidden_states, self.attentions)


def _present(*values: Any) -> tuple[Any, ...]:
    return tuple(value for value in values if value is not None)

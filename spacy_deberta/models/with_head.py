"""Base class of models with a head."""

from dataclasses import dataclass
from typing import TypeVar, cast

from torch import Tensor, nn

from spacy_deberta.errors import Errors
from spacy_deberta.nn import (
    DebertaV2Config,
    EncoderOutput,
    LayerAttentions,
    ModelOutput,
    PackedPieces,
    init_weights,
)

from .base import DebertaV2PreTrainedModel
from .model import DebertaV2Model

OutputT = TypeVar("OutputT", bound="HeadOutput")


@dataclass(frozen=True, eq=False)
class HeadOutput(ModelOutput):
    """Output of a head with one tensor of logits.

    Args:
        loss: Scalar, if there were labels.
        logits: Of the shape that the class of the head documents.
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """

    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: LayerAttentions | None = None

    @classmethod
    def of(
        cls: type[OutputT], encoded: EncoderOutput, *, logits: Tensor, loss: Tensor | None
    ) -> OutputT:
        """The output of a head on the output of its encoder."""
        return cls(
            loss=loss,
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )


class DebertaV2WithHead(DebertaV2PreTrainedModel):
    """The encoder under the name that checkpoints give it: `deberta`. Heads add their own modules.

    Args:
        config: The model's config.
        attention: Name of an attention kernel, or "auto".
        keep_positions: See `DebertaV2Model`.
    """

    def __init__(
        self, config: DebertaV2Config, *, attention: str = "auto", keep_positions: bool = False
    ) -> None:
        super().__init__(config)
        self.deberta = DebertaV2Model(config, attention=attention, keep_positions=keep_positions)

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """Logits of a head as one matrix, for pipelines.

        Args:
            pieces: The batch.
            decoded: (decoded_rows,) int64, the rows to score; only for a head for masks.

        Returns:
            (rows, outputs); what the rows stand for is in the head's `HeadSpec`.
        """
        return cast(Tensor, self.forward_packed(pieces)["logits"])

    def set_dropout(self, rate: float | None) -> None:
        """Set every dropout: see `DebertaV2PreTrainedModel.set_dropout`."""
        self.deberta.set_dropout(rate)
        if self._dropout_rate is not None:
            cast(nn.Dropout, self.dropout).p = self._dropout_rate if rate is None else rate

    def _init_head(self) -> None:
        """Initialize the head; call it last in a constructor. The encoder initializes itself."""
        dropout = getattr(self, "dropout", None)
        self._dropout_rate = None if dropout is None else dropout.p
        for name, part in self.named_children():
            if name != "deberta":
                init_weights(part, self.config)


def cls_rows(hidden: Tensor, pieces: PackedPieces) -> Tensor:
    """Gather the hidden state of every sequence's first piece, its [CLS].

    Args:
        hidden: (total_pieces, width).
        pieces: The batch.

    Returns:
        (sequences, width).

    Raises:
        ValueError: If a sequence has no pieces (E119).
    """
    if 0 in pieces.lengths:
        raise ValueError(Errors.E119.format(index=pieces.lengths.index(0)))
    return hidden.index_select(0, pieces.cu_seqlens[:-1])


def classifier_dropout(config: DebertaV2Config) -> nn.Dropout:
    """The dropout between the pooler and its classifier."""
    rate = config.cls_dropout
    return nn.Dropout(config.hidden_dropout_prob if rate is None else rate)


def check_shape(name: str, values: Tensor, expected: tuple[int, ...]) -> None:
    """Raise E117 for a tensor of another shape."""
    if tuple(values.shape) != expected:
        raise ValueError(
            Errors.E117.format(name=name, shape=tuple(values.shape), expected=expected)
        )

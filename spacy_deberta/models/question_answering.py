"""Extractive question answering: start and end of the answer span."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spacy_deberta.errors import Errors
from spacy_deberta.nn import DebertaV2Config, LayerAttentions, ModelOutput, PackedPieces, send

from .losses import IGNORED, cross_entropy
from .padding import pad_output
from .with_head import DebertaV2WithHead, check_shape


@dataclass(frozen=True, eq=False)
class QuestionAnsweringModelOutput(ModelOutput):
    """Output of `DebertaV2ForQuestionAnswering`.

    Args:
        loss: Scalar, if there were positions.
        start_logits: (batch, length), the minimum of the dtype in padding, so that neither an
            argmax nor a softmax selects it; or (total_pieces,) for packed pieces.
        end_logits: As `start_logits`, for the end.
        hidden_states: As in `EncoderOutput`.
        attentions: As in `EncoderOutput`.
    """

    loss: Tensor | None
    start_logits: Tensor
    end_logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: LayerAttentions | None = None


class DebertaV2ForQuestionAnswering(DebertaV2WithHead):
    """The encoder with two logits per piece: start and end of the answer.

    Args:
        config: The model's config, with two labels.
        attention: Name of an attention kernel, or "auto".

    Raises:
        ValueError: If the config does not have two labels (E120).

    Source: `deberta.*` and `qa_outputs.*` of Hugging Face's class of that name.
    """

    def __init__(self, config: DebertaV2Config, *, attention: str = "auto") -> None:
        if config.num_labels != 2:
            reason = (
                f"it has {config.num_labels} labels, but an answer has 2 ends. If the checkpoint "
                "is a classifier, 'num_labels = 2' makes a new head, which has to be trained"
            )
            raise ValueError(Errors.E120.format(reason=reason))
        super().__init__(config, attention=attention)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self._init_head()

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> QuestionAnsweringModelOutput:
        """Score packed pieces.

        Args:
            pieces: The batch.
            start_positions: (sequences,) int64, the index of the answer's first piece within its
                sequence. Positions beyond the sequence are ignored, negative ones are clamped to 0.
            end_positions: (sequences,) int64, the index of its last piece.
            output_hidden_states: See `DebertaV2Model.forward_packed`.
            output_attentions: See `DebertaV2Model.forward_packed`.

        Returns:
            Logits of (total_pieces,) each; with both positions, the mean of their cross entropies,
            with softmax over the pieces of a sequence.

        Raises:
            ValueError: If the positions have another shape (E117).
        """
        encoded = self.deberta.forward_packed(
            pieces,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        starts, ends = self.qa_outputs(encoded.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = answer_loss(starts, ends, start_positions, end_positions, pieces)
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=starts,
            end_logits=ends,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )

    def forward(  # type: ignore[override]
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """Score the pieces of a padded batch: see `PaddedForward.forward`.

        Positions are columns of the batch, (batch,) or (batch, 1) int64. Padding is excluded from
        the loss; Hugging Face's class includes its logits. Logits of padding are the minimum of
        their dtype.
        """
        return self._run_padded(
            {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": token_type_ids,
                "position_ids": position_ids,
                "inputs_embeds": inputs_embeds,
            },
            {"start_positions": start_positions, "end_positions": end_positions},
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """Start and end logits, (total_pieces, 2)."""
        output = self.forward_packed(pieces)
        return torch.stack([output.start_logits, output.end_logits], dim=-1)

    def _pack(
        self, batch: dict[str, Tensor | None], options: dict[str, Any]
    ) -> tuple[PackedPieces, dict[str, Any]]:
        """Convert positions from batch columns to indices within the sequence."""
        pieces, options = super()._pack(batch, options)
        return pieces, {
            name: _within_sequence(columns, pieces, name) for name, columns in options.items()
        }

    def _unpack(self, packed: ModelOutput, pieces: PackedPieces) -> ModelOutput:
        """Restore the padding with minimal logits, so that it is never selected."""
        assert isinstance(packed, QuestionAnsweringModelOutput)
        return replace(
            pad_output(packed, pieces),
            start_logits=_pad_with_min(packed.start_logits, pieces),
            end_logits=_pad_with_min(packed.end_logits, pieces),
        )


def answer_loss(
    start_logits: Tensor,
    end_logits: Tensor,
    start_positions: Tensor,
    end_positions: Tensor,
    pieces: PackedPieces,
) -> Tensor:
    """Mean of the start and end cross entropies, with softmax over the pieces of a sequence.

    Args:
        start_logits: (total_pieces,), floating-point.
        end_logits: (total_pieces,), floating-point.
        start_positions: (sequences,) int64, see `DebertaV2ForQuestionAnswering.forward_packed`.
        end_positions: (sequences,) int64, see `DebertaV2ForQuestionAnswering.forward_packed`.
        pieces: The packed batch.

    Returns:
        Scalar.

    Raises:
        ValueError: If the positions have another shape (E117).
    """
    start_loss = _position_loss(start_logits, start_positions, pieces, "start_positions")
    end_loss = _position_loss(end_logits, end_positions, pieces, "end_positions")
    return (start_loss + end_loss) / 2


def _within_sequence(columns: Tensor | None, pieces: PackedPieces, name: str) -> Tensor | None:
    """Convert columns of the padded batch to indices within the sequence: (sequences,)."""
    if columns is None:
        return None
    if columns.dim() == 2:
        columns = columns.squeeze(-1)
    check_shape(name, columns, (len(pieces.lengths),))
    return columns - send(np.asarray(pieces.starts), columns.device)


def _position_loss(logits: Tensor, positions: Tensor, pieces: PackedPieces, name: str) -> Tensor:
    """Mean cross entropy of (total_pieces,) logits, with softmax over the pieces of a sequence."""
    check_shape(name, positions, (len(pieces.lengths),))
    lengths = send(np.asarray(pieces.lengths), positions.device)
    starts = send(np.asarray(pieces.starts), positions.device)
    columns = starts + positions.clamp(min=0)
    outside = positions.clamp(min=0) >= lengths
    return cross_entropy(_pad_with_min(logits, pieces), columns.masked_fill(outside, IGNORED))


def _pad_with_min(logits: Tensor, pieces: PackedPieces) -> Tensor:
    """Pad (total_pieces,) to (batch, length) with the minimum of the dtype."""
    real = pieces.pad(torch.ones_like(logits, dtype=torch.bool))
    return pieces.pad(logits).masked_fill(~real, torch.finfo(logits.dtype).min)

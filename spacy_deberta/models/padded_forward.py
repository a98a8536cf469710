"""Forward pass of a padded batch, shared by all models: pack, run, pad."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from spacy_deberta.nn import ModelOutput, PackedPieces, check_tensors

from .padding import pad_output

# Arguments of `forward_packed` that are tensors.
LABELS = ("labels", "start_positions", "end_positions")


class PaddedForward(nn.Module):
    """Mixin that derives `forward` from `forward_packed`.

    A model defines `forward_packed`, and lists in `piece_fields` the arguments and outputs with one
    row per piece, beside hidden states and attentions.
    """

    piece_fields: ClassVar[frozenset[str]] = frozenset()
    forward_packed: Callable[..., ModelOutput]

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
        **options: Any,
    ) -> Any:
        """Run a padded batch. Padding is removed, and restored as zeros.

        Args:
            input_ids: (batch, length) of any integer dtype.
            attention_mask: (batch, length), 1 for pieces, 0 for padding on the left or right.
            token_type_ids: (batch, length).
            position_ids: (batch, length) or (1, length).
            inputs_embeds: (batch, length, embedding_width), in place of ids.
            labels: As in `forward_packed`. Labels of pieces are (batch, length); padding is
                ignored.
            output_attentions: Whether to return the attention probabilities.
            output_hidden_states: Whether to return the embeddings and the output of every layer.
            return_dict: False for a tuple.
            options: Further arguments of `forward_packed`; per-piece ones are (batch, length).

        Returns:
            As `forward_packed`. Per-piece outputs are (batch, length, ...), zeros in padding;
            attentions for each layer (batch, heads, query, key).

        Raises:
            ValueError: If shapes are inconsistent: see `PackedPieces.from_padded` and
                `forward_packed`.
        """
        return self._run_padded(
            {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": token_type_ids,
                "position_ids": position_ids,
                "inputs_embeds": inputs_embeds,
            },
            {"labels": labels, **options},
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )

    def _run_padded(
        self,
        batch: dict[str, Tensor | None],
        options: dict[str, Any],
        *,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
        return_dict: bool | None,
    ) -> ModelOutput | tuple[Any, ...]:
        """The padded forward pass, for classes whose `forward` has other arguments."""
        check_tensors({name: options.get(name) for name in LABELS})
        pieces, options = self._pack(batch, options)
        packed = self.forward_packed(
            pieces,
            **options,
            output_hidden_states=bool(output_hidden_states),
            output_attentions=bool(output_attentions),
        )
        output = self._unpack(packed, pieces)
        return output.to_tuple() if return_dict is False else output

    def _pack(
        self, batch: dict[str, Tensor | None], options: dict[str, Any]
    ) -> tuple[PackedPieces, dict[str, Any]]:
        """Remove the padding from a batch and from per-piece arguments."""
        pieces = PackedPieces.from_padded(**batch)
        return pieces, {
            name: pieces.unpad(value)
            if name in self.piece_fields and isinstance(value, Tensor)
            else value
            for name, value in options.items()
        }

    def _unpack(self, packed: ModelOutput, pieces: PackedPieces) -> ModelOutput:
        """Restore the padding of per-piece outputs."""
        return pad_output(packed, pieces, *self.piece_fields.intersection(packed))

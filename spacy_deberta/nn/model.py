"""The encoder as a model: pieces in, one row per piece out."""

from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .attention import Attentions, resolve_attention
from .config import DebertaV2Config
from .embeddings import DebertaV2Embeddings
from .encoder import DebertaV2Encoder
from .inference.precision import compute_dtype
from .ops.memory import check_memory, count_weights
from .ops.packing import PackedPieces
from .outputs import EncoderOutput, ModelOutput
from .training import init_weights, set_dropout

HeadOutput = TypeVar("HeadOutput", bound=ModelOutput)


class DebertaV2Model(nn.Module):
    """DeBERTa-v2 or v3 without a head. Its keys are those of Hugging Face's class of that name.

    `forward_packed` is the native form; `forward` takes padded batches under the argument names
    of Hugging Face. Threads may share a model in evaluation mode: what it keeps from a forward pass
    without gradients, it makes from the weights alone (see `PreparedLayers`).

    To fill a model from a checkpoint without drawing random weights first, build it under
    `with torch.device("meta")` and use `load_state_dict(state, assign=True)`.

    Args:
        config: What the model is made of.
        attention: Name of an attention kernel, or "auto".
        keep_positions: Whether to have position embeddings even where they are not added to the
            input, for the enhanced mask decoder.

    Raises:
        ValueError: If there is no kernel of this name (E113), or no memory for the weights (E126).

    Source: He et al. 2021 (arXiv 2006.03654); He et al. 2021 (arXiv 2111.09543), whose models
        differ in their training, not in their encoder.
    """

    def __init__(
        self, config: DebertaV2Config, *, attention: str = "auto", keep_positions: bool = False
    ) -> None:
        super().__init__()
        resolve_attention(attention)
        check_memory(count_weights(config, keep_positions=keep_positions))
        self.config = config
        self.attention = attention
        self.embeddings = DebertaV2Embeddings(config, keep_positions=keep_positions)
        self.encoder = DebertaV2Encoder(config)
        self.init_weights()

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Start over with fresh weights: see `training.init_weights`."""
        init_weights(self, self.config, generator=generator)

    def set_dropout(self, rate: float | None) -> None:
        """Set every dropout to one rate, or with None to those of the configuration."""
        set_dropout(self, self.config, rate)

    def gradient_checkpointing_enable(self) -> None:
        """In training, keep only the input of every layer and compute the rest a second time.

        The gradients are the same, dropout included. About a third slower, and most of the memory
        of the activations is saved.
        """
        self.encoder.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep everything that the backward pass needs."""
        self.encoder.gradient_checkpointing = False

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        layers: int | None = None,
    ) -> EncoderOutput:
        """Encode packed pieces.

        Args:
            pieces: The batch.
            output_hidden_states: Whether to return the embeddings and the output of every layer.
            output_attentions: Whether to return the attention probabilities. They make attention
                slower, and take memory that grows with the square of the lengths.
            layers: How many layers to run, counted from the input; None for all. The last one run
                makes the last hidden state.

        Returns:
            Rows of (total_pieces, hidden_size); attentions per layer and sequence,
            (heads, length, length).

        Raises:
            ValueError: If an id, a token type or a position doesn't exist in this model (E112).
        """
        embedded = self.embeddings(pieces)
        kernel = resolve_attention(
            self.attention, embedded.device, compute_dtype(embedded), self.config.head_dim
        )
        return self.encoder(
            embedded,
            pieces,
            kernel,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
            layers=layers,
        )

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> EncoderOutput | tuple[Any, ...]:
        """Encode a padded batch. Its padding is taken out, and put back as zeros.

        Args:
            input_ids: (batch, length) of any integer type.
            attention_mask: (batch, length), 1 for pieces, 0 for padding on the left or right.
            token_type_ids: (batch, length).
            position_ids: (batch, length) or (1, length).
            inputs_embeds: (batch, length, embedding_width), in place of ids.
            output_attentions: Whether to return the attention probabilities.
            output_hidden_states: Whether to return the embeddings and the output of every layer.
            return_dict: False for a tuple.

        Returns:
            Rows of (batch, length, hidden_size); attentions per layer,
            (batch, heads, query, key).

        Raises:
            ValueError: If something doesn't fit together: see `PackedPieces.from_padded` and
                `forward_packed`.
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
            output_hidden_states=bool(output_hidden_states),
            output_attentions=bool(output_attentions),
        )
        output = pad_output(packed, pieces, "last_hidden_state")
        return output.to_tuple() if return_dict is False else output


def pad_output(packed: HeadOutput, pieces: PackedPieces, *names: str) -> HeadOutput:
    """Put the output of packed pieces into the shapes of the padded batch they came from.

    Args:
        packed: What a model made of them.
        pieces: The batch, made by `PackedPieces.from_padded`.
        names: Fields that have one row per piece, beside hidden states and attentions.

    Returns:
        The same with these fields as (batch, length, ...), zeros in padding.
    """
    changes: dict[str, Any] = {name: pieces.pad(getattr(packed, name)) for name in names}
    if packed.hidden_states is not None:
        changes["hidden_states"] = tuple(pieces.pad(rows) for rows in packed.hidden_states)
    if packed.attentions is not None:
        changes["attentions"] = tuple(_pad_layer(layer, pieces) for layer in packed.attentions)
    return replace(packed, **changes)


def _pad_layer(attentions: Attentions | Tensor, pieces: PackedPieces) -> Tensor:
    """Attentions of one layer, (heads, length, length) each, as (batch, heads, query, key)."""
    padded = []
    for start, probabilities in zip(pieces.starts, attentions, strict=True):
        after = pieces.padded_length - start - probabilities.shape[-1]
        padded.append(nn.functional.pad(probabilities, (start, after, start, after)))
    return torch.stack(padded) if padded else torch.empty(0)

"""The encoder as a model: piece ids to one hidden state per piece."""

from typing import Any

import torch
from torch import Tensor

from spacy_deberta import nn
from spacy_deberta.errors import check_flag
from spacy_deberta.files import keep_freed_memory
from spacy_deberta.nn import (
    DebertaV2Config,
    DebertaV2Embeddings,
    DebertaV2Encoder,
    EncoderOutput,
    PackedPieces,
    check_memory,
    check_trainable,
    compute_dtype,
    count_weights,
    resolve_attention,
    send,
)

from .base import DebertaV2PreTrainedModel

WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"
# Number of sequences and their length in pieces: enough to see which channels are outliers.
_EXAMPLES = (8, 32)
# Bytes of freed memory that are kept for the next batch on CPUs: temporary tensors of the layers,
# and in training the activations of a batch.
_KEPT, _KEPT_IN_TRAINING = 2**26, 2**30


class DebertaV2Model(DebertaV2PreTrainedModel):
    """DeBERTa-v2 or v3 without a head. State-dict keys match Hugging Face's class of that name.

    `forward_packed` is the native form; `forward` takes padded batches under the argument names
    of Hugging Face. Threads may share a model in evaluation mode: its inference cache depends on
    the weights alone (see `PreparedLayers`).

    To load weights without random initialization first, build it under
    `with nn.meta_device()` and use `load_state_dict(state, assign=True)`.

    Args:
        config: The model's config.
        attention: Name of an attention kernel, or "auto".
        keep_positions: Whether to have position embeddings even if they are not added to the
            input, for the enhanced mask decoder.
        cuda_graphs: Whether prediction may use CUDA graphs, with the kernel `triton`. It is also
            an attribute. Not measured yet.

    Raises:
        ValueError: If the kernel is unknown (E113), a flag is no boolean (E413), or memory for the
            weights is lacking (E126).

    Source: He et al. 2021 (arXiv 2006.03654); He et al. 2021 (arXiv 2111.09543), whose models
        differ in their training, not in their encoder.
    """

    piece_fields = frozenset({"last_hidden_state"})

    def __init__(
        self,
        config: DebertaV2Config,
        *,
        attention: str = "auto",
        keep_positions: bool = False,
        cuda_graphs: bool = False,
    ) -> None:
        resolve_attention(attention)
        check_flag("keep_positions", keep_positions)
        check_flag("cuda_graphs", cuda_graphs)
        check_memory(count_weights(config, keep_positions=keep_positions))
        super().__init__(config)
        self.attention = attention
        self.cuda_graphs = cuda_graphs
        self.embeddings = DebertaV2Embeddings(config, keep_positions=keep_positions)
        self.encoder = DebertaV2Encoder(config)
        self.init_weights()

    def forward_packed(
        self,
        pieces: PackedPieces,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        layers: int | None = None,
        output_rows: Tensor | None = None,
    ) -> EncoderOutput:
        """Encode packed pieces.

        Args:
            pieces: The batch.
            output_hidden_states: Whether to return the embeddings and the output of every layer.
            output_attentions: Whether to return the attention probabilities. This is slower, and
                takes memory quadratic in the lengths.
            layers: Number of layers to run, from the input; None for all. The output of the last
                one run is the last hidden state.
            output_rows: (output_rows,) int64, the packed rows of the last hidden state, in any
                order; None for all. The others are not computed after the last attention.

        Returns:
            Hidden states of (total_pieces, hidden_size), the last of (output_rows, hidden_size) if
            rows are given; attentions per layer and sequence,
            (heads, length, length).

        Raises:
            ValueError: If an id, a token type or a position doesn't exist in this model (E112), or
                weights in half precision would be trained (E128).
        """
        if self.training:
            check_trainable(self.embeddings, self.encoder)
        embedded = self.embeddings(pieces)
        if embedded.is_cpu:
            keep_freed_memory(_KEPT_IN_TRAINING if torch.is_grad_enabled() else _KEPT)
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
            output_rows=None if output_rows is None else send(output_rows, embedded.device),
            embed_examples=self._embed_examples,
            cuda_graphs=self.cuda_graphs,
        )

    def hold_in_int8(self) -> None:
        """Hold the dense layers in int8 from now on, and word embeddings in bfloat16."""
        nn.hold_in_int8(self.embeddings, self.encoder, self._examples())

    def int8_state(self) -> dict[str, Tensor]:
        """The state with dense layers in int8, and word embeddings in bfloat16."""
        state = self.state_dict()
        if nn.is_quantized(self):
            return state
        state[WORD_EMBEDDINGS] = state[WORD_EMBEDDINGS].to(torch.bfloat16)
        prefixed = nn.int8_state(self.encoder, self._examples())
        return {**state, **{f"encoder.{name}": tensor for name, tensor in prefixed}}

    def _examples(self) -> nn.Examples:
        embedding = next(self.embeddings.parameters())
        kernel = resolve_attention(
            self.attention, embedding.device, torch.float32, self.config.head_dim
        )
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            return self.encoder.examples(self._embed_examples, kernel)

    def _embed_examples(self) -> tuple[Tensor, PackedPieces]:
        """Random pieces, always the same, and their embeddings."""
        generator = torch.Generator().manual_seed(0)
        count, length = _EXAMPLES
        length = min(length, self.config.max_position_embeddings)
        ids = torch.randint(self.config.vocab_size, (count * length,), generator=generator)
        pieces = PackedPieces.from_lengths(ids, [length] * count).to(self.device)
        return self.embeddings(pieces), pieces

    def forward(  # type: ignore[override]
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """Encode a padded batch: see `PaddedForward.forward`."""
        return self._run_padded(
            {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": token_type_ids,
                "position_ids": position_ids,
                "inputs_embeds": inputs_embeds,
            },
            {},
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )

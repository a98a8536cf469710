"""The input of the encoder: word, position and token type embeddings."""

from torch import Tensor, nn

from spacy_deberta.errors import Errors

from .config import DebertaV2Config
from .ops.dropout import Dropout
from .ops.packing import PackedPieces


class DebertaV2Embeddings(nn.Module):
    """Word embeddings, with position and token type embeddings if the model has them.

    Args:
        config: Decides which there are.
        keep_positions: Whether to have position embeddings even if they are not added to the
            input: the enhanced mask decoder adds them later.

    Source: `deberta.embeddings.*` of the checkpoints.
    """

    def __init__(self, config: DebertaV2Config, *, keep_positions: bool = False) -> None:
        super().__init__()
        width = config.embedding_dim
        self.position_biased_input = config.position_biased_input
        self.word_embeddings = nn.Embedding(
            config.vocab_size, width, padding_idx=config.pad_token_id
        )
        self.position_embeddings = (
            nn.Embedding(config.max_position_embeddings, width)
            if config.position_biased_input or keep_positions
            else None
        )
        self.token_type_embeddings = (
            nn.Embedding(config.type_vocab_size, width) if config.type_vocab_size else None
        )
        self.embed_proj = (
            nn.Linear(width, config.hidden_size, bias=False)
            if width != config.hidden_size
            else None
        )
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, pieces: PackedPieces) -> Tensor:
        """Embed pieces.

        Args:
            pieces: The batch. Token types are ignored if the model has none, as in the authors'
                code: tokenizers assign token types to the halves of a pair for every model.

        Returns:
            (total_pieces, hidden_size).

        Raises:
            ValueError: If an id, a token type or a position is out of range (E112). Ids and token
                types are checked on the CPU only: a check would synchronize the device. Or if
                `inputs_embeds` are of another width (E413).
        """
        rows = pieces.inputs_embeds
        if pieces.input_ids is not None:
            hint = "Were the ids made with the vocabulary of another model?"
            _check_rows("input_ids", pieces.input_ids, self.word_embeddings, hint)
            rows = self.word_embeddings(pieces.input_ids)
        assert rows is not None
        if rows.shape[-1] != self.word_embeddings.embedding_dim:
            condition = f"of width {self.word_embeddings.embedding_dim}, as this model's embeddings"
            found = f"of width {rows.shape[-1]}"
            raise ValueError(
                Errors.E413.format(name="inputs_embeds", value=found, condition=condition)
            )
        # The table may be held in half precision; what the layers add to is not.
        rows = rows.to(self.LayerNorm.weight.dtype)
        if self.position_biased_input:
            rows = rows + self.positions(pieces)
        if self.token_type_embeddings is not None:
            rows = rows + self._token_types(pieces, self.token_type_embeddings)
        if self.embed_proj is not None:
            rows = self.embed_proj(rows).to(rows.dtype)
        return self.dropout(self.LayerNorm(rows))

    def positions(self, pieces: PackedPieces) -> Tensor:
        """Embed the absolute positions of pieces, in a model with position embeddings.

        Args:
            pieces: The batch.

        Returns:
            (total_pieces, embedding_width).

        Raises:
            ValueError: If a position is out of range (E112). Explicit `position_ids` are checked on
                the CPU only.
        """
        table = self.position_embeddings
        assert table is not None
        hint = "Split longer texts into windows."
        if pieces.position_ids is not None:
            _check_rows("position_ids", pieces.position_ids, table, hint)
        else:
            spans = zip(pieces.starts, pieces.lengths, strict=True)
            last = max((start + length for start, length in spans if length), default=0) - 1
            if last >= table.num_embeddings:
                raise _no_row("position_ids", last, table, hint)
        return table(pieces.positions())

    def _token_types(self, pieces: PackedPieces, table: nn.Embedding) -> Tensor:
        if pieces.token_type_ids is None:
            return table.weight[0]
        _check_rows("token_type_ids", pieces.token_type_ids, table, "Leave them out for type 0.")
        return table(pieces.token_type_ids)


def _check_rows(name: str, ids: Tensor, table: nn.Embedding, hint: str) -> None:
    if ids.device.type != "cpu" or not ids.numel():
        return
    low, high = (int(end) for end in ids.aminmax())
    if low < 0 or high >= table.num_embeddings:
        raise _no_row(name, low if low < 0 else high, table, hint)


def _no_row(name: str, value: int, table: nn.Embedding, hint: str) -> ValueError:
    last = table.num_embeddings - 1
    return ValueError(Errors.E112.format(name=name, value=value, last=last, hint=hint))

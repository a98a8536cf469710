"""The encoder with the head of a GLiNER."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor, nn

from spacy_deberta.checkpoints import GlinerConfig, gliner_config
from spacy_deberta.models.heads import HeadSpec
from spacy_deberta.models.with_head import DebertaV2WithHead
from spacy_deberta.nn import DebertaV2Config, PackedPieces

from .scoring import SpanMarker, TextRows, TokenScorer, WordLSTM, pool_pieces, projection

_RNN_LAYER = re.compile(r"rnn\.lstm\.weight_ih_l(\d+)")

# What its checkpoints have beside the encoder, not all of them everything.
GLINER_PARTS = {
    "projection": "projection of the encoder's rows",
    "rnn": "LSTM over the words",
    "span_rep_layer": "vectors of spans",
    "prompt_rep_layer": "vectors of labels",
    "scorer": "scores of words",
}


class DebertaV2ForGLiNER(DebertaV2WithHead):
    """The encoder with the head of a GLiNER, which scores spans by labels in its input.

    `score_packed` encodes, and `score_texts` scores. There is no padded `forward`: the number of
    scores of a text depends on its words and labels.

    Args:
        config: The config of the encoder; `extra["gliner"]` is the content of
            `gliner_config.json`.
        attention: Name of an attention kernel, or "auto".
        rnn_layers: Number of LSTM layers over the words; None for the number in the config.
        has_projection: Whether the encoder's rows are projected; None if the widths differ.

    Raises:
        ValueError: The config is not that of a GLiNER (E360 to E362).

    Source: Zaratiana et al. 2023 (arXiv 2311.08526), and gliner 0.2.29.
    """

    def __init__(
        self,
        config: DebertaV2Config,
        *,
        attention: str = "auto",
        rnn_layers: int | None = None,
        has_projection: bool | None = None,
    ) -> None:
        super().__init__(config, attention=attention)
        self.gliner: GlinerConfig = gliner_config(config)
        width, dropout = self.gliner.hidden_size, self.gliner.dropout
        layers = self.gliner.num_rnn_layers if rnn_layers is None else rnn_layers
        if width != config.hidden_size if has_projection is None else has_projection:
            self.projection = nn.Linear(config.hidden_size, width)
        if layers > 0:
            self.rnn = WordLSTM(width, layers)
        if self.gliner.is_token_level:
            self.scorer = TokenScorer(width, dropout)
        else:
            wide = self.gliner.span_mode == "markerV0"
            self.span_rep_layer = SpanMarker(width, dropout, wide=wide)
            self.prompt_rep_layer = projection(width, 4 * width, width, dropout)
        self._init_head()

    @classmethod
    def layout_options(cls, keys: Iterable[str], config: DebertaV2Config) -> dict[str, Any]:
        """What the weights have; the config of old checkpoints does not say it."""
        names = set(keys)
        layers = [int(match[1]) for name in names if (match := _RNN_LAYER.fullmatch(name))]
        return {
            "rnn_layers": max(layers, default=-1) + 1,
            "has_projection": "projection.weight" in names,
        }

    def set_dropout(self, rate: float | None) -> None:
        """Set every dropout, those of the head too: see `DebertaV2PreTrainedModel.set_dropout`."""
        self.deberta.set_dropout(rate)
        for name, part in self.named_modules():
            if isinstance(part, nn.Dropout) and not name.startswith("deberta."):
                part.p = self.gliner.dropout if rate is None else rate

    def reset_head(self) -> None:
        """Initialize the head for training, with torch's own initialization of each layer.

        The small weights that the encoder's config asks for would take its deep layers long to
        leave.

        Source: The layers of gliner 0.2.29.
        """
        for name, part in self.named_modules():
            if isinstance(part, (nn.Linear, nn.LSTM)) and not name.startswith("deberta."):
                part.reset_parameters()

    def score_packed(self, pieces: PackedPieces, *, decoded: Tensor | None = None) -> Tensor:
        """Vectors of pieces.

        Args:
            pieces: The batch.
            decoded: (decoded_rows,) int64, the pieces of labels and words that are needed.

        Returns:
            (decoded_rows, hidden_size of the head).
        """
        rows = self.deberta.forward_packed(pieces, output_rows=decoded).last_hidden_state
        return self.projection(rows) if hasattr(self, "projection") else rows

    def score_texts(self, vectors: Tensor, texts: Sequence[TextRows]) -> list[Tensor]:
        """Logits of the spans or words of texts.

        Args:
            vectors: (rows, hidden_size), from `score_packed`: for each text the rows of its labels,
                then those of its words.
            texts: At least one word and one label each.

        Returns:
            For each text (words, width, labels) of a span model, see `SpanMarker.forward`, or
            (words, labels, 3) of a token model, see `TokenScorer.forward`.
        """
        if not texts:
            return []
        parts = vectors.split([text.rows for text in texts])
        labels = [part[: text.labels] for part, text in zip(parts, texts, strict=True)]
        words = [
            part[text.labels :]
            if text.pieces is None
            else pool_pieces(part[text.labels :], text.pieces, self.gliner.subtoken_pooling)
            for part, text in zip(parts, texts, strict=True)
        ]
        if hasattr(self, "rnn"):
            words = self.rnn(words)
        pairs = zip(words, labels, strict=True)
        if self.gliner.is_token_level:
            return [self.scorer(word, label) for word, label in pairs]
        width = self.gliner.max_width
        return [
            self.span_rep_layer(word, self.prompt_rep_layer(label), width) for word, label in pairs
        ]


# Not in `HEADS`: its folder is not one of Hugging Face's, so that no config names this class, and
# it is neither exported nor converted to another layout.
GLINER = HeadSpec(
    module_class=DebertaV2ForGLiNER,
    modules=(GLINER_PARTS,),
    rows="masks",
    is_hugging_faces=False,
)

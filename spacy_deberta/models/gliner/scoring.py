"""Vectors of words and labels → scores of spans or words: the heads of GLiNER."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from spacy_deberta.nn import has_bf16, send


@dataclass(frozen=True)
class TextRows:
    """The rows of one text with its labels, in the output of `score_packed`.

    Attributes:
        labels: Number of labels; their rows come first.
        words: Number of words.
        pieces: Number of rows of each word, `words` of them; None for one row for each.
    """

    labels: int
    words: int
    pieces: tuple[int, ...] | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the text."""
        return self.labels + (self.words if self.pieces is None else sum(self.pieces))


class SpanMarker(nn.Module):
    """Scores of spans: a vector for the first word, one for the last, and one for the label.

    `logit(i, j, c) = out([relu(start(i)), relu(end(j))]) · prompt(c)`. The first layer of `out` is
    split into a part for the first word and one for the last, and its last layer is applied to the
    labels, so that a span costs an addition, a ReLU and one product with each label.

    Args:
        hidden_size: Width of the vectors.
        dropout: Dropout in the layers.
        wide: Whether layers are four times as wide inside and `out` has two of them ("markerV0"),
            or twice as wide and it has one ("marker").

    Source: Zaratiana et al. 2023 (arXiv 2311.08526), section 2; `span_rep_layer.*` of the
        checkpoints.
    """

    def __init__(self, hidden_size: int, dropout: float, *, wide: bool) -> None:
        super().__init__()
        inner = hidden_size * (4 if wide else 2)
        self.project_start = projection(hidden_size, inner, hidden_size, dropout)
        self.project_end = projection(hidden_size, inner, hidden_size, dropout)
        self.out_project: nn.Module = (
            projection(2 * hidden_size, inner, hidden_size, dropout)
            if wide
            else nn.Linear(2 * hidden_size, hidden_size)
        )

    def forward(self, words: Tensor, labels: Tensor, max_width: int) -> Tensor:
        """Score all spans of a text.

        Args:
            words: (words, hidden_size).
            labels: (labels, hidden_size), after the prompt layer.
            max_width: Number of words of the longest span.

        Returns:
            (words, width, labels), float32; the width is that of the longest span of the text.
            `logits[i, k]` is for the words from i to i + k. It is -inf where they end after the
            text.
        """
        count, width = len(words), min(max_width, len(words))
        starts = torch.relu(self.project_start(words))
        ends = torch.relu(self.project_end(words))
        logits = words.new_full((count, width, len(labels)), float("-inf"))
        dropout: nn.Module = nn.Identity()
        if isinstance(self.out_project, nn.Linear):
            first, last = self.out_project, None
        else:
            layers = cast(nn.Sequential, self.out_project)
            first, last = cast(nn.Linear, layers[0]), cast(nn.Linear, layers[3])
            dropout = layers[2]
        for_start, for_end = first.weight.chunk(2, dim=1)
        if last is None:
            # There is no layer after the sum, so the parts are scores already.
            start_scores = starts @ (labels @ for_start).T + labels @ first.bias
            end_scores = ends @ (labels @ for_end).T
            for k in range(width):
                logits[: count - k, k] = start_scores[: count - k] + end_scores[k:]
            return logits
        starts = nn.functional.linear(starts, for_start, first.bias)
        ends = nn.functional.linear(ends, for_end)
        weights, bias = (labels @ last.weight).T, labels @ last.bias
        for k in range(width):
            hidden = dropout(torch.relu(starts[: count - k] + ends[k:]))
            logits[: count - k, k] = hidden @ weights + bias
        return logits


class TokenScorer(nn.Module):
    """Scores of words: whether an entity of a label starts there, ends there, or includes it.

    Args:
        hidden_size: Width of the vectors.
        dropout: Dropout in the layers.

    Source: `scorer.*` of the checkpoints; the class of gliner 0.2.29 for `token_level`.
    """

    def __init__(self, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.proj_token = nn.Linear(hidden_size, 2 * hidden_size)
        self.proj_label = nn.Linear(hidden_size, 2 * hidden_size)
        self.out_mlp = nn.Sequential(
            nn.Linear(3 * hidden_size, 4 * hidden_size),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(4 * hidden_size, 3),
        )

    def forward(self, words: Tensor, labels: Tensor) -> Tensor:
        """Score all words of a text.

        Args:
            words: (words, hidden_size).
            labels: (labels, hidden_size).

        Returns:
            (words, labels, 3), float32: start, end and inside.
        """
        token, token_factor = self.proj_token(words).chunk(2, dim=-1)
        label, label_factor = self.proj_label(labels).chunk(2, dim=-1)
        first, last = cast(nn.Linear, self.out_mlp[0]), cast(nn.Linear, self.out_mlp[3])
        dropout = self.out_mlp[1]
        # The products are all that depends on a pair.
        of_token, of_label, of_product = first.weight.chunk(3, dim=1)
        tokens = nn.functional.linear(token, of_token, first.bias)
        shifts = nn.functional.linear(label, of_label)
        logits = words.new_empty((len(words), len(labels), 3))
        for c in range(len(labels)):
            # Scaling the weight is cheaper than scaling the rows.
            hidden = token_factor @ (of_product * label_factor[c]).T + tokens + shifts[c]
            logits[:, c] = last(torch.relu(dropout(hidden)))
        return logits


class WordLSTM(nn.Module):
    """An LSTM over the words of each text; its output replaces their vectors.

    Args:
        hidden_size: Width of the vectors, both directions together.
        layers: Number of layers.
    """

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            hidden_size, hidden_size // 2, num_layers=layers, bidirectional=True, batch_first=True
        )

    def forward(self, texts: list[Tensor]) -> list[Tensor]:
        """Run the LSTM on texts of different lengths, none of them empty.

        Args:
            texts: (words, hidden_size) each.

        Returns:
            The same shapes.
        """
        packed = nn.utils.rnn.pack_sequence(texts, enforce_sorted=False)
        if packed.data.is_cpu and not has_bf16():
            # Without instructions for bfloat16, oneDNN lacks an LSTM in it.
            with torch.autocast("cpu", enabled=False):
                output, _ = self.lstm(packed.float())
        else:
            output, _ = self.lstm(packed)
        padded, lengths = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
        return [row[:length] for row, length in zip(padded, lengths.tolist(), strict=True)]


def projection(width: int, inner: int, output: int, dropout: float) -> nn.Sequential:
    """Two dense layers with a ReLU; checkpoints count the modules, dropout included."""
    return nn.Sequential(
        nn.Linear(width, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, output)
    )


def pool_pieces(rows: Tensor, pieces: tuple[int, ...], pooling: str) -> Tensor:
    """The mean or the maximum of the rows of each word.

    Args:
        rows: (pieces, hidden_size).
        pieces: Number of rows of each word, at least 1.
        pooling: "mean" or "max".

    Returns:
        (words, hidden_size).
    """
    lengths = send(np.asarray(pieces), rows.device)
    return torch.segment_reduce(rows, pooling, lengths=lengths, axis=0)

"""Vocabulary logits from hidden states, in the two layouts of checkpoints."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import DebertaV2Config
from .inference.precision import compute_dtype
from .ops.activations import resolve_activation


class VocabularyHead(nn.Module):
    """Dense layer, activation, normalization, and the word embedding table as output projection.

    Args:
        config: Has widths and activation.

    Source: `lm_predictions.lm_head.{dense,LayerNorm,bias}` of the microsoft/deberta-v2-* and -v3-*
        checkpoints.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.embedding_dim)
        self.activation = resolve_activation(config.hidden_act, field="hidden_act")
        self.LayerNorm = nn.LayerNorm(config.embedding_dim, config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, rows: Tensor, words: Tensor) -> Tensor:
        """Compute vocabulary logits.

        Args:
            rows: (rows, hidden_size).
            words: (vocab_size, embedding_width), the word embedding table.

        Returns:
            (rows, vocab_size).
        """
        return _score(rows, words, self.dense, self.activation, self.LayerNorm, self.bias)


class LegacyVocabularyHead(nn.Module):
    """`VocabularyHead` under Hugging Face's legacy parameter names.

    Hugging Face's state dict repeats the word embeddings and the bias as `decoder.weight` and
    `decoder.bias`. Its files and ours store each once.

    Args:
        config: Has widths and activation.

    Source: `cls.predictions.{transform.dense,transform.LayerNorm,bias}` of Hugging Face's
        `DebertaV2ForMaskedLM` with `legacy=True`.
    """

    def __init__(self, config: DebertaV2Config) -> None:
        super().__init__()
        self.transform = nn.ModuleDict(
            {
                "dense": nn.Linear(config.hidden_size, config.embedding_dim),
                "LayerNorm": nn.LayerNorm(config.embedding_dim, config.layer_norm_eps),
            }
        )
        self.activation = resolve_activation(config.hidden_act, field="hidden_act")
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, rows: Tensor, words: Tensor) -> Tensor:
        """Compute vocabulary logits: see `VocabularyHead.forward`."""
        dense, normalize = self.transform["dense"], self.transform["LayerNorm"]
        return _score(rows, words, dense, self.activation, normalize, self.bias)


def _score(
    rows: Tensor,
    words: Tensor,
    dense: nn.Module,
    activation: Callable[[Tensor], Tensor],
    normalize: nn.Module,
    bias: Tensor,
) -> Tensor:
    rows = normalize(activation(dense(rows)))
    if words.dtype != rows.dtype:  # the table is held in half precision
        words = words.to(compute_dtype(rows))
    return functional.linear(rows, words, bias)

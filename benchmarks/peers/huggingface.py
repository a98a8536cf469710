"""Hugging Face's eager encoder, which spacy-transformers uses: the oracle of all others."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.peers.ours import autocast


def load_encoder(checkpoint: Path, *, device: str = "cpu") -> Any:
    """The encoder of a checkpoint, in evaluation mode and without dropout."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        checkpoint, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    return model.eval().to(device)


def forward(model: Any, ids: Tensor, *, dtype: str = "fp32") -> Tensor:
    """Encode sequences of one length, (sequences, length): hidden states, (total_pieces, width)."""
    with torch.no_grad(), autocast(dtype, ids.device):
        return model(input_ids=ids).last_hidden_state.float().flatten(0, 1)


def backward(model: Any, ids: Tensor, gradient: Tensor, *, dtype: str = "fp32") -> Tensor:
    """Forward and backward pass of training: the gradient of the position embeddings."""
    model.train()
    model.zero_grad(set_to_none=True)
    with autocast(dtype, ids.device):
        rows = model(input_ids=ids).last_hidden_state
    torch.autograd.backward(rows.float().flatten(0, 1), gradient)
    model.eval()
    return model.encoder.rel_embeddings.weight.grad


def rows_of_text(model: Any, checkpoint: Path, text: str) -> Tensor:
    """The hidden states of a text, (rows, width): `[CLS]`, its pieces and `[SEP]`."""
    from transformers import DebertaV2Tokenizer

    tokenizer = DebertaV2Tokenizer.from_pretrained(checkpoint)
    return forward(model, torch.tensor([tokenizer(text)["input_ids"]]))


@cache
def relative_positions(length: int, buckets: int, max_distance: int) -> Tensor:
    """The bucket of every pair of positions, (1, length, length) int64."""
    from transformers.models.deberta_v2.modeling_deberta_v2 import build_relative_position

    rows = torch.empty(length, 1)
    return build_relative_position(rows, rows, bucket_size=buckets, max_position=max_distance)


def position_settings(config: Any) -> tuple[int, int]:
    """Number of buckets and maximum distance of a config."""
    distance = config.max_relative_positions
    return config.position_buckets, config.max_position_embeddings if distance < 1 else distance


def reachable_slots(length: int, config: Any) -> int:
    """Number of rows of the position table that sequences of a length use."""
    buckets, distance = position_settings(config)
    span = buckets if buckets > 0 else distance
    slots = relative_positions(length, buckets, distance)[0] + span
    return len(torch.cat([slots[0], slots[:, 0]]).clamp(0, 2 * span - 1).unique())

"""spacy-transformers with the settings of `spacy init config`, optionally with ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spacy
import torch
from torch import Tensor

from benchmarks.peers.onnx import OnnxEncoder
from benchmarks.peers.pipelines import add_heads
from benchmarks.peers.zeros import make_zeros
from benchmarks.saving import STOCK


def make_pipeline(checkpoint: Path, *, heads: Sequence[str] = (), docs: Any = None) -> Any:
    """A pipeline on the encoder of a checkpoint; see `benchmarks.peers.ours.make_pipeline`."""
    nlp = spacy.blank("en")
    nlp.batch_size = 128
    nlp.add_pipe(
        STOCK["factory"],
        name="transformer",
        config={
            "max_batch_items": 4096,
            "model": {
                **STOCK["model"],
                "name": str(checkpoint),
                "transformer_config": {},
                "mixed_precision": False,
                "grad_scaler_config": {},
            },
        },
    )
    add_heads(nlp, heads, docs, side="stock")
    return nlp


def with_onnx(nlp: Any, encoder: OnnxEncoder) -> Any:
    """Replace the encoder by ONNX Runtime, like `spacy-accelerate` for other models."""
    return _replace(nlp, encoder)


def without_encoder(nlp: Any) -> Any:
    """Make the encoder return zeros, to measure everything else."""
    zeros = make_zeros(_transformer(nlp).config.hidden_size)
    return _replace(nlp, lambda ids, mask: zeros(*ids.shape))


class _Replacement(torch.nn.Module):
    """A module with the interface of Hugging Face's encoder."""

    def __init__(self, encode: Any) -> None:
        super().__init__()
        self._encode = encode

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=self._encode(input_ids, attention_mask))


def _replace(nlp: Any, encode: Any) -> Any:
    _shim(nlp)._model = _Replacement(encode)
    return nlp


def _transformer(nlp: Any) -> Any:
    return _shim(nlp)._hfmodel.transformer


def _shim(nlp: Any) -> Any:
    return nlp.get_pipe("transformer").model.layers[0].shims[0]

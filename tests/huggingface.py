"""Small random models of Hugging Face, the oracle of the encoder's tests."""

from functools import cache
from typing import Any

import pytest
import torch

_SMALL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "type_vocab_size": 0,
    "initializer_range": 0.2,
}

# As microsoft/deberta-v3-*: shared projections, buckets, both terms, normalized positions.
_V3 = {
    **_SMALL,
    "relative_attention": True,
    "position_buckets": 256,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}

VARIANTS: dict[str, dict[str, Any]] = {
    "v3": _V3,
    "v2": {**_V3, "conv_kernel_size": 3, "conv_act": "gelu", "attention_head_size": 8},
    "v2-tanh": {**_V3, "conv_kernel_size": 3, "conv_groups": 2},
    "v2-wide": {**_V3, "conv_kernel_size": 5, "conv_act": "gelu"},
    "own-projections": {**_V3, "share_att_key": False},
    "c2p": {**_V3, "pos_att_type": ["c2p"]},
    "p2c": {**_V3, "pos_att_type": ["p2c"]},
    "own-c2p": {**_V3, "pos_att_type": ["c2p"], "share_att_key": False},
    "own-p2c": {**_V3, "pos_att_type": ["p2c"], "share_att_key": False},
    "no-terms": {**_V3, "pos_att_type": []},
    "no-relative-attention": {**_V3, "relative_attention": False, "norm_rel_ebd": "none"},
    "no-buckets": {**_V3, "position_buckets": -1, "max_relative_positions": 64},
    "few-buckets": {**_V3, "position_buckets": 16, "max_relative_positions": 128},
    "narrow-embeddings": {**_V3, "embedding_size": 20},
    "token-types": {**_V3, "type_vocab_size": 3},
    "absolute-positions": {**_V3, "position_biased_input": True, "embedding_size": 24},
    "plain-positions": {**_V3, "norm_rel_ebd": "none"},
    "three-layers": {**_V3, "num_hidden_layers": 3, "hidden_act": "gelu_new"},
}


def make_model(variant: str = "v3", *, cls: str = "DebertaV2Model", seed: int = 0, **changes: Any):
    """A new model of Hugging Face in evaluation mode, with random parameters that are not small."""
    transformers = pytest.importorskip("transformers")
    config = transformers.DebertaV2Config(**{**VARIANTS[variant], **changes})
    model = getattr(transformers, cls)(config).eval()
    randomize(model, seed=seed)
    return model


@cache
def shared_model(variant: str = "v3", cls: str = "DebertaV2Model"):
    """The same, cached for all tests, which must not modify it."""
    return make_model(variant, cls=cls)


@torch.no_grad()
def randomize(model: torch.nn.Module, *, seed: int = 0, spread: float = 0.2) -> None:
    """Random biases and normalizations too: with those of a fresh model, terms can hide."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        parameter.normal_(0.0, spread, generator=generator)
        if "LayerNorm.weight" in name:
            parameter.add_(1.0)
        if "rel_embeddings" in name:
            parameter.mul_(5.0)
        if "word_embeddings" in name:
            parameter[0].zero_()

"""The config.json of every official checkpoint, as on the hub, and its size."""

from typing import Any

_COMMON = {
    "model_type": "deberta-v2",
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "max_position_embeddings": 512,
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "layer_norm_eps": 1e-07,
    "max_relative_positions": -1,
    "position_biased_input": False,
    "type_vocab_size": 0,
    "vocab_size": 128100,
    "pad_token_id": 0,
}


def _shape(layers: int, width: int, heads: int, inner: int, **values: Any) -> dict[str, Any]:
    sizes = {
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "intermediate_size": inner,
    }
    return {**_COMMON, **sizes, **values}


_V2 = {"attention_head_size": 64, "conv_kernel_size": 3, "conv_act": "gelu"}
_MNLI = {
    "id2label": {"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"},
    "label2id": {"CONTRADICTION": 0, "NEUTRAL": 1, "ENTAILMENT": 2},
    "pooling": {"dropout": 0, "hidden_act": "gelu"},
}

CONFIGS: dict[str, dict[str, Any]] = {
    "deberta-v2-xlarge": _shape(24, 1536, 24, 6144, **_V2),
    "deberta-v2-xlarge-mnli": _shape(24, 1536, 24, 6144, **_V2, **_MNLI),
    "deberta-v2-xxlarge": _shape(48, 1536, 24, 6144, **_V2),
    "deberta-v3-xsmall": _shape(12, 384, 6, 1536),
    "deberta-v3-small": _shape(6, 768, 12, 3072),
    "deberta-v3-base": _shape(12, 768, 12, 3072),
    "deberta-v3-large": _shape(24, 1024, 16, 4096),
    "mdeberta-v3-base": _shape(12, 768, 12, 3072, vocab_size=251000),
}

# All parameters of the encoder and its embeddings, and of the word embeddings alone.
MILLIONS: dict[str, tuple[float, float]] = {
    "deberta-v2-xlarge": (884.59, 196.8),
    "deberta-v2-xlarge-mnli": (884.59, 196.8),
    "deberta-v2-xxlarge": (1564.55, 196.8),
    "deberta-v3-xsmall": (70.68, 49.2),
    "deberta-v3-small": (141.30, 98.4),
    "deberta-v3-base": (183.83, 98.4),
    "deberta-v3-large": (434.01, 131.2),
    "mdeberta-v3-base": (278.22, 192.8),
}

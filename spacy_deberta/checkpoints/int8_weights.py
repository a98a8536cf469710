"""Weights that are stored in int8, with their scales beside them: a format of this package."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from .weight_files.reading import Weights

_SCALE, _FACTOR, _ZERO = ".weight_scale", ".input_factor", ".input_zero"
# In `config.json`; Hugging Face's classes refuse methods that they don't know.
_FIELD = "quantization_config"
_CONFIG = {"quant_method": "spacy-deberta-int8"}


def int8_names(keys: Iterable[str]) -> set[str]:
    """The names of the dense layers that are stored in int8, without `.weight`."""
    return {key.removesuffix(_SCALE) for key in keys if key.endswith(_SCALE)}


def dequantize_weights(weights: Mapping[str, torch.Tensor]) -> Weights:
    """The same weights, those in int8 as float32."""
    names = int8_names(weights)
    added = {name + suffix for name in names for suffix in (_SCALE, _FACTOR, _ZERO)}
    dequantized = {}
    for key, tensor in weights.items():
        if key in added:
            continue
        name = key.removesuffix(".weight")
        if name != key and name in names:
            tensor = tensor.float() * weights[name + _SCALE].float()[:, None]
            if name + _FACTOR in weights:
                tensor = tensor * weights[name + _FACTOR].float()
        dequantized[key] = tensor
    return dequantized


def describe_int8(config: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The content of `config.json`, which says whether the weights are in int8."""
    described = {key: value for key, value in config.items() if not _is_ours(key, value)}
    return {**described, _FIELD: _CONFIG} if int8_names(keys) else described


def _is_ours(key: str, value: Any) -> bool:
    return key == _FIELD and value == _CONFIG

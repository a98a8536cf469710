"""Detects the layout of a checkpoint. Each layout has its own module."""

from collections.abc import Iterable
from dataclasses import replace

from .huggingface import HUGGING_FACE, HUGGING_FACE_GAMMA_BETA
from .keys import BACKBONE_PARTS, KeyMap
from .microsoft import BERT_PREFIX, MICROSOFT


def detect_key_map(keys: Iterable[str]) -> KeyMap:
    """Detect the parameter names of a PyTorch or safetensors file."""
    keys = list(keys)
    key_map = HUGGING_FACE
    if any(key.endswith(".LayerNorm.gamma") for key in keys):
        key_map = HUGGING_FACE_GAMMA_BETA
    elif any(key.endswith(theirs) for key in keys for _, theirs in MICROSOFT.renames):
        key_map = MICROSOFT
    if any(key.startswith(BACKBONE_PARTS) for key in keys):
        return replace(key_map, backbone_prefix="")
    if any(key.startswith(BERT_PREFIX) for key in keys):
        return replace(
            MICROSOFT, renames=key_map.renames + MICROSOFT.renames, backbone_prefix=BERT_PREFIX
        )
    return key_map

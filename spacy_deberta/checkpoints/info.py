"""What a checkpoint holds, told without building a model from it."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .keys import BACKBONE_PREFIX, describe_extra, detect_key_map
from .pretrained import read_config, read_tokenizer
from .source import find_checkpoint
from .weights import read_weights
from spacy_deberta.nn import DebertaV2Config


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint holds.

    Attributes:
        name: The hub name or folder.
        config: Its config.
        layout: How its parameters are named.
        files: Weight files with their sizes in bytes.
        dtypes: Number of parameters by dtype.
        parts: Number of parameters by part: `embeddings`, `encoder`, and every head.
        heads: What the heads and other extras are, by the start of their names.
        pieces: Ids that the tokenizer can give, or None without a vocabulary.
    """

    name: str
    config: DebertaV2Config
    layout: str
    files: Mapping[str, int]
    dtypes: Mapping[str, int]
    parts: Mapping[str, int]
    heads: Mapping[str, str]
    pieces: int | None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "name": self.name,
            "config": self.config.to_dict(),
            "layout": self.layout,
            "files": dict(self.files),
            "dtypes": dict(self.dtypes),
            "parts": dict(self.parts),
            "heads": dict(self.heads),
            "pieces": self.pieces,
        }


def describe_checkpoint(
    name_or_path: str | os.PathLike[str], *, revision: str | None = None
) -> CheckpointInfo:
    """Say what a checkpoint holds.

    Args:
        name_or_path: A folder, or a hub name.
        revision: Branch, tag or commit on the hub.

    Returns:
        Config, layout, sizes and heads.

    Raises:
        OSError: A file is missing or damaged.
        ValueError: It is no DeBERTa-v2.
    """
    files = find_checkpoint(name_or_path, revision=revision)
    config = read_config(files)
    weights = read_weights(files.weights)
    key_map = detect_key_map(weights)
    dtypes: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    heads: dict[str, str] = {}
    for key, tensor in weights.items():
        ours = key_map.to_ours(key)
        dtypes[str(tensor.dtype).removeprefix("torch.")] += tensor.numel()
        part = ours.removeprefix(BACKBONE_PREFIX).partition(".")[0]
        parts[part] += tensor.numel()
        if not ours.startswith(BACKBONE_PREFIX):
            heads[part] = describe_extra(ours) or "unknown"
    tokenizer = read_tokenizer(files, config) if files.has_vocabulary else None
    return CheckpointInfo(
        name=files.name,
        config=config,
        layout=key_map.layout,
        files={path.name: path.stat().st_size for path in files.weights},
        dtypes=dict(dtypes),
        parts=dict(parts),
        heads=heads,
        pieces=None if tokenizer is None else len(tokenizer),
    )

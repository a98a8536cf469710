"""Summary of a checkpoint, without building a model from it."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_deberta.checkpoints import (
    BACKBONE_PREFIX,
    HUGGING_FACE,
    POSITIONS,
    GlinerFolderError,
    Weights,
    detect_key_map,
    find_checkpoint,
    find_gliner,
    find_non_finite,
    read_config,
    read_gliner,
    read_parameters,
    read_tokenizer,
    refuse_first_generation,
    refuse_without_encoder,
)
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .gliner import GLINER_PARTS
from .loading.extras import describe_extra


@dataclass(frozen=True)
class CheckpointInfo:
    """Summary of a checkpoint.

    Attributes:
        name: The hub name or folder.
        config: Its config.
        layout: Naming scheme of its parameters.
        files: Weight files with their sizes in bytes.
        dtypes: Number of parameters by dtype.
        parts: Number of parameters by part: `embeddings`, `encoder`, every head, and unused
            embedding parameters under their own names.
        heads: Descriptions of the heads and other extras, by the start of their names.
        pieces: Number of ids of the tokenizer, or None without a vocabulary.
        tokenizer: Tokenizer engine, "sentencepiece" or "tokenizers"; None without a vocabulary.
        unknown_characters: What characters without a piece become, "bytes" or "unk".
        non_finite: Names of parameters with non-finite values.
        added_tokens: Ids of the tokens that are matched in texts beside the vocabulary's pieces,
            by their content; without control tokens.
        base: Of an adapter, the checkpoint that it is merged into; None of a whole checkpoint.
    """

    name: str
    config: DebertaV2Config
    layout: str
    files: Mapping[str, int]
    dtypes: Mapping[str, int]
    parts: Mapping[str, int]
    heads: Mapping[str, str]
    pieces: int | None
    tokenizer: str | None
    unknown_characters: str | None
    non_finite: tuple[str, ...]
    added_tokens: Mapping[str, int]
    base: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "config": self.config.to_dict(),
            "layout": self.layout,
            "files": dict(self.files),
            "dtypes": dict(self.dtypes),
            "parts": dict(self.parts),
            "heads": dict(self.heads),
            "pieces": self.pieces,
            "tokenizer": self.tokenizer,
            "unknown_characters": self.unknown_characters,
            "non_finite": list(self.non_finite),
            "added_tokens": dict(self.added_tokens),
            "base": self.base,
        }


def describe_checkpoint(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str = "",
    base: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> CheckpointInfo:
    """Summarize a checkpoint, or a GLiNER.

    Args:
        name_or_path: A folder, or a hub name.
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within the repository, if it is not the repository itself.
        base: The checkpoint that an adapter or a GLiNER was made of, if it is not where its config
            says.
        cache_dir: Folder for downloads.
        local_files_only: Use only cached files.

    Returns:
        Config, layout, sizes and heads.

    Raises:
        OSError: A file is missing or damaged.
        ValueError: It is not a DeBERTa-v2.
    """
    place: dict[str, Any] = {
        "revision": revision,
        "subfolder": subfolder,
        "base": base,
        "cache_dir": cache_dir,
        "local_files_only": local_files_only,
    }
    try:
        files = find_checkpoint(name_or_path, **place)
    except GlinerFolderError:
        gliner = find_gliner(name_or_path, **place)
        config, weights, tokenizer = read_gliner(gliner)
        return _summarize(
            gliner.name,
            config,
            weights,
            tokenizer,
            layout="gliner",
            paths=gliner.weights,
            extras=GLINER_PARTS,
        )
    config = read_config(files)
    found = read_parameters(files, quantized=True)
    refuse_first_generation(found, source=files.name)
    key_map = detect_key_map(found)
    refuse_without_encoder(map(key_map.to_ours, found), source=files.name)
    return _summarize(
        files.name,
        config,
        {key_map.to_ours(key): tensor for key, tensor in found.items()},
        read_tokenizer(files, config) if files.has_vocabulary else None,
        layout=key_map.layout if files.layout == HUGGING_FACE.layout else files.layout,
        paths=[*files.weights, *([files.adapter.weights] if files.adapter else [])],
        base=None if files.adapter is None else files.adapter.base,
        non_finite=find_non_finite(found),
    )


def _summarize(
    name: str,
    config: DebertaV2Config,
    weights: Weights,
    tokenizer: DebertaV2Tokenizer | None,
    *,
    layout: str,
    paths: Iterable[Path],
    extras: Mapping[str, str] | None = None,
    base: str | None = None,
    non_finite: tuple[str, ...] | None = None,
) -> CheckpointInfo:
    """Count the parameters, which have our names."""
    dtypes: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    heads: dict[str, str] = {}
    for key, tensor in weights.items():
        dtypes[str(tensor.dtype).removeprefix("torch.")] += tensor.numel()
        part, extra = _part(key, config)
        parts[part] += tensor.numel()
        if extra is not None:
            heads[part] = (extras or {}).get(part, extra)
    return CheckpointInfo(
        name=name,
        config=config,
        layout=layout,
        files={path.name: path.stat().st_size for path in paths},
        dtypes=dict(dtypes),
        parts=dict(parts),
        heads=heads,
        pieces=None if tokenizer is None else len(tokenizer),
        tokenizer=None if tokenizer is None else tokenizer.engine,
        unknown_characters=None if tokenizer is None else tokenizer.unknown_characters,
        non_finite=find_non_finite(weights) if non_finite is None else non_finite,
        added_tokens={
            token.content: i for i, token in (tokenizer.added_tokens if tokenizer else {}).items()
        },
        base=base,
    )


def _part(key: str, config: DebertaV2Config) -> tuple[str, str | None]:
    """The part that a parameter belongs to, and a description if it is outside the encoder."""
    name = key.removeprefix(BACKBONE_PREFIX)
    extra = describe_extra(key)
    if name == key:
        return name.partition(".")[0], extra or "unknown"
    if extra is None or (key == POSITIONS and config.position_biased_input):
        return name.partition(".")[0], None
    return name.removesuffix(".weight"), extra

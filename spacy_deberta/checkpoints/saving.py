"""Writing a checkpoint folder: complete or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from .source import (
    CONFIG_FILE,
    PYTORCH_FILE,
    SAFETENSORS_FILE,
    SAFETENSORS_INDEX_FILE,
)
from .weights import Weights
from spacy_deberta.tokenization import DebertaV2Tokenizer

# As Hugging Face splits: a single file above this is awkward to fetch and to mirror.
MAX_SHARD_BYTES = 5 * 10**9

STAGING_PREFIX = ".saving-"

STORAGE_DTYPES: Mapping[str, torch.dtype] = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, whose files move to `folder` together once all are written.

    If the writing stops half-way, what `folder` had stays as it was.

    Args:
        folder: Where the files shall be; made if it is missing. Other files in it stay.

    Yields:
        An empty folder on the same file system.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f"{STAGING_PREFIX}*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=folder))
    try:
        yield staging
        # The config last: it is what makes a folder a checkpoint.
        for path in sorted(staging.iterdir(), key=lambda path: path.name == CONFIG_FILE):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def save_checkpoint(
    folder: str | os.PathLike[str],
    *,
    config: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    tokenizer: DebertaV2Tokenizer | None = None,
    precision: str = "fp32",
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> None:
    """Write a checkpoint that Hugging Face's `AutoModel.from_pretrained` opens.

    Args:
        folder: Where to write; a checkpoint that is there already is replaced when all is written.
        config: The content of `config.json`.
        weights: Parameters by the names of the Hugging Face layout.
        tokenizer: Written beside the weights, if given.
        precision: How the weights are stored: `"fp32"`, `"fp16"` or `"bf16"`.
        max_shard_bytes: Weights above this size, in bytes, are split into several files.

    Source:
        The layout of Hugging Face's `save_pretrained` with safetensors.
    """
    dtype = STORAGE_DTYPES[precision]
    folder = Path(folder)
    with staged_folder(folder) as staging:
        shards = _split(_storable(weights, dtype), max_shard_bytes=max_shard_bytes)
        names = _shard_names(len(shards))
        for name, shard in zip(names, shards, strict=True):
            save_file(shard, staging / name, metadata={"format": "pt"})
        if len(shards) > 1:
            _write_json(staging / SAFETENSORS_INDEX_FILE, _index(names, shards))
        _write_json(
            staging / CONFIG_FILE,
            {**config, "torch_dtype": str(dtype).removeprefix("torch.")},
        )
        if tokenizer is not None:
            tokenizer.save_pretrained(staging)
        written = {path.name for path in staging.iterdir()}
    _remove_stale_weights(folder, keep=written)


def _storable(weights: Mapping[str, torch.Tensor], dtype: torch.dtype) -> Weights:
    return {
        key: tensor.detach().to(device="cpu", dtype=dtype if tensor.is_floating_point() else None)
        .contiguous()
        for key, tensor in weights.items()
    }


def _split(weights: Weights, *, max_shard_bytes: int) -> list[Weights]:
    shards: list[Weights] = [{}]
    size = 0
    for key, tensor in weights.items():
        if shards[-1] and size + tensor.nbytes > max_shard_bytes:
            shards.append({})
            size = 0
        shards[-1][key] = tensor
        size += tensor.nbytes
    return shards


def _shard_names(count: int) -> list[str]:
    if count == 1:
        return [SAFETENSORS_FILE]
    return [f"model-{i:05d}-of-{count:05d}.safetensors" for i in range(1, count + 1)]


def _index(names: list[str], shards: list[Weights]) -> dict[str, Any]:
    return {
        "metadata": {"total_size": sum(t.nbytes for shard in shards for t in shard.values())},
        "weight_map": {
            key: name for name, shard in zip(names, shards, strict=True) for key in shard
        },
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _remove_stale_weights(folder: Path, *, keep: set[str]) -> None:
    """Weights of an earlier save under other names would be found before the new ones."""
    stale = {SAFETENSORS_FILE, SAFETENSORS_INDEX_FILE, PYTORCH_FILE}
    stale.update(path.name for path in folder.glob("model-*-of-*.safetensors"))
    for name in stale - keep:
        (folder / name).unlink(missing_ok=True)

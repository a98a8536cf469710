"""Atomic writes of checkpoint folders."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from spacy_deberta.errors import Errors, check_path
from spacy_deberta.files import staged_folder
from spacy_deberta.tokenization import TOKENIZER_FILES, DebertaV2Tokenizer

from .file_names import (
    CONFIG_FILE,
    MICROSOFT_FILE,
    PYTORCH_FILE,
    PYTORCH_INDEX_FILE,
    SAFETENSORS_FILE,
    SAFETENSORS_INDEX_FILE,
    TENSORFLOW_FILE,
    TENSORFLOW_INDEX_FILE,
)
from .int8_weights import dequantize_weights, describe_int8
from .layouts.tensorflow import KerasModel, write_tensorflow
from .weight_files.reading import Weights

# Hugging Face's limit: larger files are impractical to download and to mirror.
MAX_SHARD_BYTES = 5 * 10**9

STORAGE_DTYPES: Mapping[str, torch.dtype] = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}

# Weights of an earlier save with other names would take precedence over the new ones.
WEIGHTS_PATTERNS = (
    SAFETENSORS_FILE,
    SAFETENSORS_INDEX_FILE,
    "model-*-of-*.safetensors",
    PYTORCH_FILE,
    PYTORCH_INDEX_FILE,
    "pytorch_model-*-of-*.bin",
    MICROSOFT_FILE,
)
# These have the lowest precedence, so they are kept beside PyTorch's.
TENSORFLOW_PATTERNS = (TENSORFLOW_FILE, TENSORFLOW_INDEX_FILE, "tf_model-*-of-*.h5")
# Of two vocabularies in a folder, Hugging Face prefers one: an earlier one has to go.
# All that goes from a folder when a checkpoint with its tokenizer is saved there.
REPLACED_PATTERNS = (*WEIGHTS_PATTERNS, *TOKENIZER_FILES)


def stored_dtype(tensor: torch.Tensor, precision: str | None) -> torch.dtype:
    """The dtype that a tensor has in a file.

    Args:
        tensor: The tensor.
        precision: A key of `STORAGE_DTYPES`; None for the tensor's own, or float32 if it is wider
            than all of these, as it will be loaded in float32.

    Returns:
        A dtype of `STORAGE_DTYPES`, or that of a tensor that is not floating-point.
    """
    if not tensor.is_floating_point():
        return tensor.dtype
    if precision is not None:
        return STORAGE_DTYPES[precision]
    return tensor.dtype if tensor.dtype in STORAGE_DTYPES.values() else torch.float32


def save_checkpoint(
    folder: str | os.PathLike[str],
    *,
    config: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    tokenizer: DebertaV2Tokenizer | None = None,
    precision: str | None = "fp32",
    max_shard_bytes: int = MAX_SHARD_BYTES,
    config_file: str = CONFIG_FILE,
) -> None:
    """Write a checkpoint that Hugging Face's `AutoModel.from_pretrained` opens.

    Args:
        folder: Where to write; a checkpoint that is there already is replaced when all is written.
        config: The content of `config.json`.
        weights: Parameters by the names of the Hugging Face layout, on any device, of any dtype.
        tokenizer: Written beside the weights, if given.
        precision: How the weights are stored: `"fp32"`, `"fp16"` or `"bf16"`; None for the dtype
            that each has.
        max_shard_bytes: Weights above this size, in bytes, are split into several files.
        config_file: The name of the config's file.

    Raises:
        ValueError: The precision is unknown (E311), or the folder is no path (E413).
        OSError: The path is that of a file (E312), or can't be written to (also E342).

    Source:
        The layout of Hugging Face's `save_pretrained` with safetensors.
    """
    check_path("folder", folder)
    if precision is not None and precision not in STORAGE_DTYPES:
        known = ", ".join(STORAGE_DTYPES)
        raise ValueError(Errors.E311.format(precision=precision, known=known))
    if precision is not None:
        weights = dequantize_weights(weights)
    dtypes = {key: stored_dtype(tensor, precision) for key, tensor in weights.items()}
    sizes = {key: weights[key].numel() * dtype.itemsize for key, dtype in dtypes.items()}
    shards = _split(sizes, max_shard_bytes=max_shard_bytes)
    names = _shard_names(len(shards))
    replaces = WEIGHTS_PATTERNS if tokenizer is None else (*WEIGHTS_PATTERNS, *TOKENIZER_FILES)
    with staged_folder(Path(folder), replaces=replaces, last=[config_file]) as staging:
        for name, keys in zip(names, shards, strict=True):
            _write_shard(staging / name, _storable(weights, keys, dtypes), path=Path(folder, name))
        if len(shards) > 1:
            _write_json(staging / SAFETENSORS_INDEX_FILE, _index(names, shards, sizes))
        # transformers 5 writes it as 'dtype', and prefers that.
        described = describe_int8(config, weights)
        kept = {key: value for key, value in described.items() if key != "dtype"}
        stored = str(_narrowest(dtypes.values())).removeprefix("torch.")
        _write_json(staging / config_file, {**kept, "torch_dtype": stored})
        if tokenizer is not None:
            tokenizer.save_pretrained(staging)


def save_tensorflow_checkpoint(
    folder: str | os.PathLike[str],
    *,
    config: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    architecture: str,
    keras: KerasModel,
    tokenizer: DebertaV2Tokenizer | None = None,
) -> tuple[str, ...]:
    """Write a checkpoint that Hugging Face's classes for TensorFlow open, in float32.

    Args:
        folder: Where to write; a checkpoint that is there already is replaced when all is written.
        config: The content of `config.json`.
        weights: Parameters by our names, with the `deberta.` prefix, on any device, of any dtype.
        architecture: The class without its `TF`, for `config.json`.
        keras: How Keras lays it out.
        tokenizer: Written beside the weights, if given.

    Returns:
        The names of the weights that were written: those that the class has.

    Raises:
        ImportError: `h5py` is not installed (E315).
        OSError: The path is that of a file (E312), or can't be written to.

    Source:
        The layout of Hugging Face's `save_pretrained` of TensorFlow, `tf_model.h5`.
    """
    check_path("folder", folder)
    of_tokenizer = () if tokenizer is None else TOKENIZER_FILES
    replaces = (*WEIGHTS_PATTERNS, *TENSORFLOW_PATTERNS, *of_tokenizer)
    with staged_folder(Path(folder), replaces=replaces, last=[CONFIG_FILE]) as staging:
        written = write_tensorflow(staging / TENSORFLOW_FILE, weights, keras=keras)
        _write_json(staging / CONFIG_FILE, {**config, "architectures": [architecture]})
        if tokenizer is not None:
            tokenizer.save_pretrained(staging)
    return written


def _write_shard(file: Path, tensors: Weights, *, path: Path) -> None:
    try:
        save_file(tensors, file, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(Errors.E342.format(path=path, error=error)) from error


def _narrowest(dtypes: Iterable[torch.dtype]) -> torch.dtype:
    """The dtype of the matrices: where dtypes differ, others are kept in a wider one."""
    floating = [dtype for dtype in dtypes if dtype.is_floating_point]
    return min(floating, key=lambda dtype: dtype.itemsize, default=torch.float32)


def _storable(
    weights: Mapping[str, torch.Tensor], keys: Iterable[str], dtypes: Mapping[str, torch.dtype]
) -> Weights:
    """The tensors of one shard in the format of the file, copied only if they differ."""
    storable: Weights = {}
    storages: set[int] = set()
    for key in keys:
        tensor = weights[key].detach().to(device="cpu", dtype=dtypes[key])
        tensor = tensor.contiguous()
        # The format has no tied tensors, and `save_file` rejects them.
        if tensor.untyped_storage().data_ptr() in storages:
            tensor = tensor.clone()
        storages.add(tensor.untyped_storage().data_ptr())
        storable[key] = tensor
    return storable


def _split(sizes: Mapping[str, int], *, max_shard_bytes: int) -> list[list[str]]:
    """Names of the tensors of each file, in order. A tensor above the limit gets its own file."""
    shards: list[list[str]] = [[]]
    total = 0
    for key, size in sizes.items():
        if shards[-1] and total + size > max_shard_bytes:
            shards.append([])
            total = 0
        shards[-1].append(key)
        total += size
    return shards


def _shard_names(count: int) -> list[str]:
    if count == 1:
        return [SAFETENSORS_FILE]
    return [f"model-{i:05d}-of-{count:05d}.safetensors" for i in range(1, count + 1)]


def _index(
    names: Sequence[str], shards: Sequence[Sequence[str]], sizes: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "metadata": {"total_size": sum(sizes.values())},
        "weight_map": {key: name for name, keys in zip(names, shards, strict=True) for key in keys},
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

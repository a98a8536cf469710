"""The files of a checkpoint, on this disk: config, weights, vocabulary."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from spacy_deberta.errors import Errors
from spacy_deberta.tokenization import TOKENIZER_FILES, VOCABULARY_FILES
from spacy_deberta.typed_json import FieldError, JsonError, Schema, check_fields, read_json

from .file_names import (
    CONFIG_FILE,
    CONFIG_FILES,
    WEIGHTS_FILES,
)
from .layouts import huggingface
from .layouts.adapters import refuse_adapter
from .refusals import check_is_itself
from .repository.opening import Repository, open_repository

# The name of a file beside the index, short enough for every file system.
_SHARD_NAME = re.compile(r"[^/\\\x00-\x1f]{1,200}\.(safetensors|bin|h5)")


def _shard_name(name: str) -> str:
    if not _SHARD_NAME.fullmatch(name):
        raise ValueError("the name of a weights file beside it")
    return name


class ShardIndex(Schema):
    """An `*.index.json`: which shard has which parameter."""

    weight_map: Annotated[
        Mapping[str, Annotated[str, AfterValidator(_shard_name)]], Field(min_length=1)
    ]


@dataclass(frozen=True)
class CheckpointFiles:
    """The files of one checkpoint on the local disk.

    Attributes:
        name: The hub name or folder that was asked for, for messages.
        folder: The folder that holds the files.
        config: `config.json`, or Microsoft's `model_config.json`.
        weights: One file, or every shard in the order of the index.
        has_vocabulary: Whether one of `VOCABULARY_FILES` lies in the folder.
        layout: Whose weights file this is: "huggingface", "microsoft" or "tensorflow".
    """

    name: str
    folder: Path
    config: Path
    weights: tuple[Path, ...]
    has_vocabulary: bool
    layout: str = huggingface.LAYOUT


def find_checkpoint(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> CheckpointFiles:
    """Find a checkpoint's files, downloading them from the hub where needed.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, such as
            `"deberta-v3-mini-en"`, or a hub name, such as `"microsoft/deberta-v3-base"`.
        revision: Branch, tag or commit on the hub.
        cache_dir: Where downloads are kept, by default the hub's own cache.
        local_files_only: Use only what the cache has. `HF_HUB_OFFLINE=1` does the same.

    Returns:
        The files, all of them on the local disk.

    Raises:
        FileNotFoundError: A folder (E301), or a file in it (E304), is missing.
        OSError: The name is not on the hub (E302), not in the cache while offline (E303), a
            download fails (E314), the list of shards is damaged (E305), something else lies
            under the name of a file (E326), or an interrupted save can't be finished (E340, E341).

    Source:
        File names of the released checkpoints, and `huggingface_hub`'s cache.
    """
    repository = open_repository(
        name_or_path, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
    )
    config = _find_config(repository)
    if config is None:
        refuse_adapter(repository)
        raise repository.missing(CONFIG_FILE)
    vocabulary = _find_vocabulary(repository)
    layout, weights = _find_weights(repository)
    return CheckpointFiles(
        name=repository.name,
        folder=config.parent,
        config=config,
        weights=weights,
        has_vocabulary=vocabulary is not None,
        layout=layout,
    )


def find_vocabulary(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Path:
    """Find the vocabulary of a checkpoint, or of a folder that holds nothing else.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, or a hub name.
        revision: Branch, tag or commit on the hub.
        cache_dir: Where downloads are kept.
        local_files_only: Use only what the cache has.

    Returns:
        The folder with `spm.model`, `tokenizer.json` or `vocab.txt`, and the JSON files of the
        tokenizer.

    Raises:
        FileNotFoundError: There is no such folder (E301), there is nothing in it (E304), or the
            checkpoint has no vocabulary (E309).
        OSError: As `find_checkpoint`, for a hub name.
    """
    repository = open_repository(
        name_or_path, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
    )
    vocabulary = _find_vocabulary(repository)
    if vocabulary is not None:
        return vocabulary.parent
    if _find_config(repository) is None:
        refuse_adapter(repository)
        raise repository.missing(*VOCABULARY_FILES)
    raise repository.missing(*VOCABULARY_FILES, message=Errors.E309)


def _find(repository: Repository, file_name: str) -> Path | None:
    """A file, if it is itself and nothing that stands for it.

    It may be a link to anywhere: the hub's cache is made of links, and so are folders of people who
    keep large files on another disk. Whoever makes a link in a folder here has the rights to copy,
    and whatever it leads to is read as tensors, JSON or a vocabulary, and nothing else.
    """
    path = repository.find(file_name)
    if path is not None:
        check_is_itself(path)
    return path


def _find_config(repository: Repository) -> Path | None:
    found = (_find(repository, file_name) for file_name in CONFIG_FILES)
    return next((path for path in found if path is not None), None)


def _find_vocabulary(repository: Repository) -> Path | None:
    found = [_find(repository, file_name) for file_name in VOCABULARY_FILES]
    vocabulary = next((path for path in found if path is not None), None)
    if vocabulary is not None:
        for file_name in TOKENIZER_FILES:
            _find(repository, file_name)
    return vocabulary


def _find_weights(repository: Repository) -> tuple[str, tuple[Path, ...]]:
    """The layout, and the files."""
    for file_name, layout in WEIGHTS_FILES.items():
        path = _find(repository, file_name)
        if path is None:
            continue
        if not file_name.endswith(".index.json"):
            return layout, (path,)
        shards = []
        for shard_name in _read_index(path):
            shard = _find(repository, shard_name)
            if shard is None:
                raise repository.missing(shard_name)
            shards.append(shard)
        return layout, tuple(shards)
    refuse_adapter(repository)
    raise repository.missing(*WEIGHTS_FILES)


def _read_index(path: Path) -> list[str]:
    """The names of the shards, in order.

    They come from an untrusted file, so they may not name anything outside of the folder.
    """
    try:
        index = check_fields(ShardIndex, read_json(path))
    except (JsonError, FieldError) as error:
        raise OSError(Errors.E305.format(path=path, error=error)) from error
    return list(dict.fromkeys(index.weight_map.values()))

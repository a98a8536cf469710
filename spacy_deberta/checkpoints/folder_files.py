"""Files of a checkpoint within its location."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from spacy_deberta.errors import Errors
from spacy_deberta.tokenization import TOKENIZER_FILES, VOCABULARY_FILES
from spacy_deberta.typed_json import FieldError, JsonError, Schema, check_fields, read_json

from .file_names import CONFIG_FILES, WEIGHTS_FILES
from .other_kinds import refuse_other_kind
from .refusals import check_is_itself
from .repository.interface import Repository

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


def find_file(repository: Repository, file_name: str) -> Path | None:
    """Find a file, and raise if it is a placeholder.

    It may be a symbolic link to any path: the hub's cache consists of links, and users link to
    large files on other disks. Whoever can create links in a folder could also copy the files,
    and the target is read only as tensors, JSON or a vocabulary.
    """
    path = repository.find(file_name)
    if path is not None:
        check_is_itself(path)
    return path


def find_config(repository: Repository) -> Path | None:
    """The config of a checkpoint, or None without one."""
    found = (find_file(repository, file_name) for file_name in CONFIG_FILES)
    return next((path for path in found if path is not None), None)


def find_tokenizer(repository: Repository) -> Path | None:
    """The folder with a vocabulary and all other files of the tokenizer, or None without one."""
    found = [find_file(repository, file_name) for file_name in VOCABULARY_FILES]
    vocabulary = next((path for path in found if path is not None), None)
    if vocabulary is not None:
        for file_name in TOKENIZER_FILES:
            find_file(repository, file_name)
    return None if vocabulary is None else vocabulary.parent


def find_weights(repository: Repository) -> tuple[str, tuple[Path, ...]]:
    """The layout of the weights, and their files.

    Raises:
        OSError: There are none (E304), they are of another kind (E337, E338), or the list of shards
            is damaged (E305).
    """
    for file_name, layout in WEIGHTS_FILES.items():
        path = find_file(repository, file_name)
        if path is None:
            continue
        if not file_name.endswith(".index.json"):
            return layout, (path,)
        shards = []
        for shard_name in _read_index(path):
            shard = find_file(repository, shard_name)
            if shard is None:
                raise repository.missing(shard_name)
            shards.append(shard)
        return layout, tuple(shards)
    refuse_other_kind(repository)
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

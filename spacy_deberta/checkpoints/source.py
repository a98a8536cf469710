"""Where a checkpoint is: a local folder or a name on the Hugging Face hub, as files on this disk."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import srsly

from spacy_deberta.errors import Errors

CONFIG_FILE = "config.json"
SAFETENSORS_FILE = "model.safetensors"
SAFETENSORS_INDEX_FILE = "model.safetensors.index.json"
PYTORCH_FILE = "pytorch_model.bin"
PYTORCH_INDEX_FILE = "pytorch_model.bin.index.json"
VOCABULARY_FILE = "spm.model"

# In the order of preference: safetensors are mapped instead of read, and hold no code.
WEIGHTS_FILES = (SAFETENSORS_FILE, SAFETENSORS_INDEX_FILE, PYTORCH_FILE, PYTORCH_INDEX_FILE)
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


@dataclass(frozen=True)
class CheckpointFiles:
    """The files of one checkpoint on the local disk.

    Attributes:
        name: The hub name or folder that was asked for, for messages.
        folder: The folder that holds the files.
        config: `config.json`.
        weights: One file, or every shard in the order of the index; empty if they were not asked for.
        has_vocabulary: Whether `spm.model` lies in the folder.
    """

    name: str
    folder: Path
    config: Path
    weights: tuple[Path, ...]
    has_vocabulary: bool


def find_checkpoint(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
    weights: bool = True,
) -> CheckpointFiles:
    """Find a checkpoint's files, downloading them from the hub where needed.

    Args:
        name_or_path: A folder, or a hub name such as `"microsoft/deberta-v3-base"`.
        revision: Branch, tag or commit on the hub.
        cache_dir: Where downloads are kept, by default the hub's own cache.
        local_files_only: Use only what the cache has. `HF_HUB_OFFLINE=1` does the same.
        weights: Whether the weights are needed, or only config and vocabulary.

    Returns:
        The files, all of them on the local disk.

    Raises:
        FileNotFoundError: A folder, or a file in it, is missing.
        OSError: The name is not on the hub, or not in the cache while offline.

    Source:
        File names of the released checkpoints, and `huggingface_hub`'s cache.
    """
    name = os.fspath(name_or_path)
    folder = Path(name).expanduser()
    if folder.is_dir():

        def local_file(file_name: str) -> Path | None:
            path = folder / file_name
            return path if path.is_file() else None

        return _collect(name, local_file, weights=weights)
    if _looks_like_path(name):
        raise FileNotFoundError(Errors.E301.format(path=name))
    return _collect(
        name,
        _hub_files(
            name, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
        ),
        weights=weights,
    )


def _looks_like_path(name: str) -> bool:
    """Hub names are `name` or `owner/name`; anything else can only be a path."""
    return name.startswith((".", "~", "/")) or "\\" in name or name.count("/") > 1 or not name


def _hub_files(
    name: str,
    *,
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
) -> Callable[[str], Path | None]:
    """A function that gives the local path of a file of the hub repository, or None without it."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    def hub_file(file_name: str) -> Path | None:
        try:
            return Path(
                hf_hub_download(
                    name,
                    file_name,
                    revision=revision,
                    cache_dir=cache_dir,
                    local_files_only=local_files_only,
                )
            )
        except LocalEntryNotFoundError as error:
            # While offline, a file that the repository lacks looks like one that was never fetched:
            # only the config, which every repository has, tells that the whole is missing.
            if file_name != CONFIG_FILE and (local_files_only or constants.HF_HUB_OFFLINE):
                return None
            raise OSError(Errors.E303.format(name=name)) from error
        except EntryNotFoundError:
            return None
        except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
            raise OSError(
                Errors.E302.format(name=name, revision=revision or "main", error=error)
            ) from error

    return hub_file


def _collect(
    name: str, find_file: Callable[[str], Path | None], *, weights: bool
) -> CheckpointFiles:
    config = find_file(CONFIG_FILE)
    if config is None:
        raise FileNotFoundError(Errors.E304.format(name=name, file=CONFIG_FILE))
    vocabulary = find_file(VOCABULARY_FILE)
    for file_name in TOKENIZER_FILES:
        find_file(file_name)
    return CheckpointFiles(
        name=name,
        folder=config.parent,
        config=config,
        weights=_weights_files(name, find_file) if weights else (),
        has_vocabulary=vocabulary is not None,
    )


def _weights_files(name: str, find_file: Callable[[str], Path | None]) -> tuple[Path, ...]:
    for file_name in WEIGHTS_FILES:
        path = find_file(file_name)
        if path is None:
            continue
        if not file_name.endswith(".index.json"):
            return (path,)
        shards = []
        for shard_name in dict.fromkeys(srsly.read_json(path)["weight_map"].values()):
            shard = find_file(shard_name)
            if shard is None:
                raise FileNotFoundError(Errors.E304.format(name=name, file=shard_name))
            shards.append(shard)
        return tuple(shards)
    raise FileNotFoundError(Errors.E304.format(name=name, file=" or ".join(WEIGHTS_FILES)))

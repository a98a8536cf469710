"""Local files of a checkpoint: config, weights, vocabulary."""

import os
from dataclasses import dataclass
from pathlib import Path

from spacy_deberta.errors import Errors, Warnings, check_path, warn
from spacy_deberta.tokenization import VOCABULARY_FILES
from spacy_deberta.typed_json import shorten

from .file_names import CONFIG_FILE, WEIGHTS_FILES
from .folder_files import find_config, find_file, find_tokenizer, find_weights
from .layouts import huggingface
from .layouts.adapters import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_WEIGHTS_FILES,
    AdapterConfig,
    AdapterFiles,
    read_adapter_config,
)
from .other_kinds import refuse_other_kind
from .repository.interface import Repository
from .repository.opening import open_repository


@dataclass(frozen=True)
class CheckpointFiles:
    """The files of one checkpoint on the local disk.

    Attributes:
        name: The requested hub name or folder, for messages.
        folder: The folder of the files.
        config: `config.json`, or Microsoft's `model_config.json`; of an adapter, that of its base.
        weights: One file, or every shard in the order of the index; of an adapter, those of its
            base.
        vocabulary: The folder with one of `VOCABULARY_FILES`, or None where there is none: that of
            the checkpoint, or of an adapter without a vocabulary, that of its base.
        layout: Layout of the weights: "huggingface", "microsoft" or "tensorflow".
        adapter: The files of an adapter, which is to be merged into the weights.
    """

    name: str
    folder: Path
    config: Path
    weights: tuple[Path, ...]
    vocabulary: Path | None
    layout: str = huggingface.LAYOUT
    adapter: AdapterFiles | None = None

    @property
    def has_vocabulary(self) -> bool:
        """Whether there is one."""
        return self.vocabulary is not None


def find_checkpoint(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str | None = "",
    base: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> CheckpointFiles:
    """Find a checkpoint's files, downloading them from the hub where needed.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, such as
            `"deberta-v3-mini-en"`, or a hub name, such as `"microsoft/deberta-v3-base"`. It may
            hold a LoRA adapter of PEFT in place of a checkpoint.
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within that place, if it is not the place itself.
        base: The checkpoint that an adapter was made for, if it is not where its config says.
        cache_dir: Where downloads are kept, by default the hub's own cache.
        local_files_only: Use only what the cache has. `HF_HUB_OFFLINE=1` does the same.

    Returns:
        The files, all of them on the local disk.

    Raises:
        FileNotFoundError: A folder (E301), or a file in it (E304), is missing.
        OSError: The name is not on the hub (E302), not in the cache while offline (E303), a
            download fails (E314), the list of shards is damaged (E305), something else lies
            under the name of a file (E326), an adapter's base can't be found (E331), the folder
            has another kind of model (E337, E338), or an interrupted save can't be finished (E340,
            E341).
        ValueError: An adapter's config is damaged (E332) or of another kind (E320), its base is an
            adapter too (E334), `base` is given for what is none (E335), or the subfolder leads
            elsewhere (E336).

    Source:
        File names of the released checkpoints and of PEFT, and `huggingface_hub`'s cache.
    """
    check_path("base", base, optional=True)
    place = open_repository(
        name_or_path,
        revision=revision,
        subfolder=subfolder,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    find_config(place)  # first, so that the cache of the hub knows the commit when it is asked
    adapter = find_file(place, ADAPTER_CONFIG_FILE)
    if adapter is None and base:
        raise ValueError(Errors.E335.format(name=place.name, base=base))
    if adapter is None or (not base and _is_whole(place)):
        if adapter is not None:
            warn(Warnings.W302.format(name=place.name))
        return _find_whole(place)
    config = read_adapter_config(adapter, name=place.name)
    weights = [find_file(place, file_name) for file_name in ADAPTER_WEIGHTS_FILES]
    found = next((path for path in weights if path is not None), None)
    if found is None:
        raise place.missing(*ADAPTER_WEIGHTS_FILES)
    origin = _open_base(
        base or None,
        config,
        name=place.name,
        beside=adapter.parent,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    whole = _find_base(origin, name=place.name)
    vocabulary = find_tokenizer(place)
    return CheckpointFiles(
        name=place.name,
        folder=adapter.parent,
        config=whole.config,
        weights=whole.weights,
        vocabulary=whole.vocabulary if vocabulary is None else vocabulary,
        layout=whole.layout,
        adapter=AdapterFiles(
            name=place.name,
            base=whole.name,
            config=config,
            weights=found,
            labels=find_file(place, CONFIG_FILE),
        ),
    )


def find_vocabulary(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str | None = "",
    base: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Path:
    """Find the vocabulary of a checkpoint, or of a tokenizer's folder.

    Args:
        name_or_path: A folder, the name of a checkpoint that comes with the package, or a hub name.
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within that place, if it is not the place itself.
        base: Of an adapter without a vocabulary: the checkpoint that it was made for, if it is not
            where its config says.
        cache_dir: Where downloads are kept.
        local_files_only: Use only what the cache has.

    Returns:
        The folder with `spm.model`, `tokenizer.json` or `vocab.txt`, and the JSON files of the
        tokenizer.

    Raises:
        FileNotFoundError: There is no such folder (E301), there is nothing in it (E304), or the
            checkpoint has no vocabulary (E309).
        OSError: As `find_checkpoint`, for a hub name, or for the base of an adapter.
        ValueError: As `find_checkpoint`, for an adapter.
    """
    check_path("base", base, optional=True)
    place = open_repository(
        name_or_path,
        revision=revision,
        subfolder=subfolder,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    vocabulary = find_tokenizer(place)
    if vocabulary is not None:
        return vocabulary
    adapter = find_file(place, ADAPTER_CONFIG_FILE)
    if adapter is not None:
        origin = _open_base(
            base or None,
            read_adapter_config(adapter, name=place.name),
            name=place.name,
            beside=adapter.parent,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        vocabulary = find_tokenizer(origin)
        if vocabulary is not None:
            return vocabulary
        raise origin.missing(*VOCABULARY_FILES, message=Errors.E309)
    refuse_other_kind(place)
    if find_config(place) is None:
        raise place.missing(*VOCABULARY_FILES)
    raise place.missing(*VOCABULARY_FILES, message=Errors.E309)


def _is_whole(place: Repository) -> bool:
    return find_config(place) is not None and any(
        find_file(place, file_name) is not None for file_name in WEIGHTS_FILES
    )


def _find_whole(place: Repository) -> CheckpointFiles:
    config = find_config(place)
    if config is None:
        refuse_other_kind(place)
        raise place.missing(CONFIG_FILE)
    vocabulary = find_tokenizer(place)
    layout, weights = find_weights(place)
    return CheckpointFiles(
        name=place.name,
        folder=config.parent,
        config=config,
        weights=weights,
        vocabulary=vocabulary,
        layout=layout,
    )


def _open_base(
    base: str | os.PathLike[str] | None,
    config: AdapterConfig,
    *,
    name: str,
    beside: Path,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
) -> Repository:
    """Open the base of an adapter: what the user says, or what the adapter's config does."""
    named = os.fspath(base) if base is not None else config.base_model_name_or_path
    if not named:
        raise FileNotFoundError(
            Errors.E331.format(name=name, base="a checkpoint", error="its config names none.")
        )
    revision = config.revision if base is None else None
    try:
        # A relative path is that of the current folder, as in Hugging Face's library, or that of
        # the adapter's: they are moved together.
        if base is None and not Path(named).exists() and (beside / named).is_dir():
            named = os.fspath(beside / named)
        return open_repository(
            named, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
        )
    except (OSError, ValueError) as error:
        raise _no_base(name, named, error) from error


def _find_base(origin: Repository, *, name: str) -> CheckpointFiles:
    try:
        adapter = find_file(origin, ADAPTER_CONFIG_FILE)
        if adapter is None or _is_whole(origin):
            return _find_whole(origin)
    except OSError as error:
        raise _no_base(name, origin.name, error) from error
    raise ValueError(Errors.E334.format(name=name, base=origin.name))


def _no_base(name: str, base: str, error: Exception) -> OSError:
    reason = f"{str(error).removesuffix('.')}."
    return FileNotFoundError(Errors.E331.format(name=name, base=f"'{shorten(base)}'", error=reason))

"""The folder of a GLiNER: its files, config, parameters and vocabulary."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from spacy_deberta.errors import Errors
from spacy_deberta.nn import DebertaV2Config
from spacy_deberta.tokenization import AddedToken, DebertaV2Tokenizer, add_tokens
from spacy_deberta.typed_json import JsonError, read_json, shorten

from .file_names import CONFIG_FILE, WEIGHTS_FILES
from .folder_files import find_config, find_file, find_tokenizer, find_weights
from .layouts.gliner import (
    GLINER_CONFIG_FILE,
    GLINER_FIELD,
    GlinerConfig,
    NoGlinerError,
    check_gliner,
    missing_modules,
    read_gliner_values,
    to_ours,
    to_theirs,
)
from .repository.interface import Repository
from .repository.opening import open_repository
from .saving import save_checkpoint
from .tokenizer import check_vocabulary_fits
from .weight_files.reading import Weights, read_weights

EMBEDDINGS = "deberta.embeddings.word_embeddings.weight"
SPM_FILE = "spm.model"
# Early releases of gliner added it for another library; it is not used, but has an id.
_UNUSED_TOKEN = "[FLERT]"
# The package gliner reads more than 512 pieces in training too, with Hugging Face's encoder.
FAR_POSITIONS: Literal["huggingface"] = "huggingface"


@dataclass(frozen=True)
class GlinerFiles:
    """The files of a GLiNER on the local disk.

    Attributes:
        name: The requested hub name or folder, for messages.
        values: The content of `gliner_config.json`.
        config: Its known fields.
        encoder_values: The config of the encoder.
        weights: One file, or every shard.
        vocabulary: The folder with the vocabulary: that of the GLiNER, or of the encoder that it
            was made of.
    """

    name: str
    values: Mapping[str, Any]
    config: GlinerConfig
    encoder_values: Mapping[str, Any]
    weights: tuple[Path, ...]
    vocabulary: Path


def find_gliner(
    name_or_path: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str | None = "",
    base: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> GlinerFiles:
    """Find a GLiNER's files, downloading them from the hub where needed.

    Args:
        name_or_path: A folder, or a hub name such as `"urchade/gliner_medium-v2.1"`.
        revision: Branch, tag or commit on the hub.
        subfolder: The folder within that place, if it is not the place itself.
        base: The encoder that it was made of, if its folder has no vocabulary or no config of the
            encoder, and it is not where its config says.
        cache_dir: Where downloads are kept.
        local_files_only: Use only what the cache has.

    Returns:
        The files, all of them on the local disk.

    Raises:
        OSError: The folder is missing (E301), is no GLiNER (E360), or lacks a file (E304); the name
            is not found (E302, E303), or its encoder is not (E363).
        ValueError: Its config is damaged (E308, E361), or it is of another kind (E362).

    Source: The files of published checkpoints, and of `GLiNER.save_pretrained`.
    """
    place = open_repository(
        name_or_path,
        revision=revision,
        subfolder=subfolder,
        cache_dir=cache_dir,
        local_files_only=local_files_only,
    )
    path = find_file(place, GLINER_CONFIG_FILE)
    if path is None:
        raise NoGlinerError(Errors.E360.format(name=place.name))
    values = read_gliner_values(path)
    config = check_gliner(values, name=place.name)
    if not any(place.find(file_name) is not None for file_name in WEIGHTS_FILES):
        raise place.missing(*WEIGHTS_FILES)
    _, weights = find_weights(place)
    vocabulary = find_tokenizer(place)
    encoder_values = config.encoder_config
    if vocabulary is None or encoder_values is None:
        origin = _open_encoder(
            base or config.model_name,
            name=place.name,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        if encoder_values is None:
            encoder_values = _read_encoder_config(origin, name=place.name)
        if vocabulary is None:
            vocabulary = find_tokenizer(origin)
        if vocabulary is None:
            raise _no_encoder(place.name, origin.name, "it has no vocabulary")
    return GlinerFiles(
        name=place.name,
        values={key: value for key, value in values.items() if key != "encoder_config"},
        config=config,
        encoder_values=encoder_values,
        weights=weights,
        vocabulary=vocabulary,
    )


def read_gliner(
    files: GlinerFiles, *, engine: str | None = None, unknown_characters: str | None = None
) -> tuple[DebertaV2Config, Weights, DebertaV2Tokenizer]:
    """Read config, parameters and vocabulary of a GLiNER.

    Args:
        files: Its files.
        engine: "sentencepiece" or "tokenizers"; None for `spm.model` if there is one.
        unknown_characters: "bytes" or "unk"; None for "unk" with `spm.model`, as in the training of
            published checkpoints, and for what the file says with `tokenizer.json`.

    Returns:
        The config of the encoder, with the content of `gliner_config.json` in `extra`; the
        parameters by our names; and the vocabulary, in which the markers are text.

    Raises:
        OSError: A weights file is damaged (E305, E327, E330).
        ValueError: The weights lack a part of the model (E364), the markers have no embedding
            (E365) or another id than in the config (E370), or the encoder is no DeBERTa-v2 (E101
            to E107).
    """
    weights = {to_ours(key): tensor for key, tensor in read_weights(files.weights).items()}
    lacking = missing_modules(weights, files.config)
    table = weights.get(EMBEDDINGS)
    if lacking or table is None or table.dim() != 2:
        missing = ", ".join(lacking or [EMBEDDINGS])
        raise ValueError(Errors.E364.format(name=files.name, missing=missing))
    tokenizer = _read_tokenizer(files, engine=engine, unknown_characters=unknown_characters)
    ids = dict(zip(("ent", "sep"), marker_ids(tokenizer, files.config), strict=True))
    given = files.config.class_token_index
    if given not in (-1, ids["ent"]):
        marker = files.config.ent_token
        raise ValueError(
            Errors.E370.format(name=files.name, marker=marker, given=given, found=ids["ent"])
        )
    if max(ids.values()) >= len(table):
        raise ValueError(Errors.E365.format(name=files.name, **ids, rows=len(table)))
    values = {
        "far_positions": FAR_POSITIONS,
        **files.encoder_values,
        "vocab_size": len(table),
        GLINER_FIELD: {
            **files.values,
            "class_token_index": ids["ent"],
            "vocab_size": len(table),
        },
    }
    try:
        config = DebertaV2Config.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{error} It is the encoder of '{files.name}'.") from error
    check_vocabulary_fits(tokenizer, config)
    return config, weights, tokenizer


def gliner_config(config: DebertaV2Config) -> GlinerConfig:
    """The fields of a GLiNER in the config that `read_gliner` makes.

    Raises:
        ValueError: It is the config of another model (E360), or damaged (E361, E362).
    """
    values = config.to_dict().get(GLINER_FIELD)
    if not isinstance(values, Mapping):
        raise ValueError(Errors.E360.format(name="the config"))
    return check_gliner(values, name="the config")


def marker_ids(tokenizer: DebertaV2Tokenizer, config: GlinerConfig) -> tuple[int, int]:
    """The ids of the markers before each label and before the text."""
    ids = {token.content: token_id for token_id, token in tokenizer.added_tokens.items()}
    return ids[config.ent_token], ids[config.sep_token]


def save_gliner(
    folder: str | os.PathLike[str],
    *,
    config: DebertaV2Config,
    weights: Weights,
    tokenizer: DebertaV2Tokenizer,
    precision: str | None = "fp32",
) -> None:
    """Write the folder of a GLiNER, with everything that it needs.

    Args:
        folder: Where to write.
        config: From `read_gliner`.
        weights: The parameters by our names.
        tokenizer: The vocabulary.
        precision: As in `save_checkpoint`.

    Raises:
        OSError: The path is that of a file (E312), or can't be written to.

    Source: The folder of `GLiNER.save_pretrained`.
    """
    encoder = config.to_dict()
    values = encoder.pop(GLINER_FIELD)
    save_checkpoint(
        folder,
        config={**values, "encoder_config": encoder},
        config_file=GLINER_CONFIG_FILE,
        weights={to_theirs(key): tensor for key, tensor in weights.items()},
        # Who finds the markers by their text needs them as tokens.
        tokenizer=tokenizer.with_split_special_tokens(False),
        precision=precision,
    )


def _read_tokenizer(
    files: GlinerFiles, *, engine: str | None, unknown_characters: str | None
) -> DebertaV2Tokenizer:
    if engine is None and (files.vocabulary / SPM_FILE).is_file():
        engine = "sentencepiece"
    if unknown_characters is None and engine == "sentencepiece":
        unknown_characters = "unk"
    tokenizer = DebertaV2Tokenizer.from_directory(
        files.vocabulary, tokenizer=engine, unknown_characters=unknown_characters
    )
    config = files.config
    known = {token.content for token in tokenizer.added_tokens.values()}
    if not {config.ent_token, config.sep_token} <= known:
        given = config.class_token_index
        if given < 0:
            added = [_UNUSED_TOKEN, config.ent_token, config.sep_token]
            tokens = [AddedToken(content=content, special=True) for content in added]
        else:
            tokens = [
                AddedToken(content=config.ent_token, id=given, special=True),
                AddedToken(content=config.sep_token, id=given + 1, special=True),
            ]
        tokenizer = add_tokens(tokenizer, tokens)
    # In a label or a text, the markers are text.
    markers = [
        replace(token, special=True)
        for token in tokenizer.added_tokens.values()
        if token.content in (config.ent_token, config.sep_token) and not token.special
    ]
    if markers:
        tokenizer = add_tokens(tokenizer, markers)
    return tokenizer.with_split_special_tokens(True)


def _open_encoder(
    named: str | os.PathLike[str],
    *,
    name: str,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
) -> Repository:
    try:
        return open_repository(named, cache_dir=cache_dir, local_files_only=local_files_only)
    except (OSError, ValueError) as error:
        raise _no_encoder(name, os.fspath(named), error) from error


def _read_encoder_config(origin: Repository, *, name: str) -> Mapping[str, Any]:
    try:
        path = find_config(origin)
        if path is None:
            raise origin.missing(CONFIG_FILE)
        return read_json(path)
    except (OSError, JsonError) as error:
        raise _no_encoder(name, origin.name, error) from error


def _no_encoder(name: str, named: str, error: object) -> OSError:
    return FileNotFoundError(Errors.E363.format(name=name, encoder=shorten(named), error=error))

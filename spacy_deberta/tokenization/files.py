"""The JSON files that Hugging Face reads beside a vocabulary: options and added tokens."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import FieldError, JsonError, SchemaT, check_fields, read_json, show

from .engines import PIPELINE_FILE, SENTENCEPIECE_FILE, WORDPIECE_FILE, for_pipeline
from .fields import AddedTokenIds, SpecialTokenFields, TokenFields, TokenizerFields
from .special_tokens import SPECIAL_TOKENS, AddedToken, TokenTable, special_contents

CONFIG_FILE = "tokenizer_config.json"
ADDED_TOKENS_FILE = "added_tokens.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
# Any of them makes a folder that of a tokenizer.
VOCABULARY_FILES = (SENTENCEPIECE_FILE, PIPELINE_FILE, WORDPIECE_FILE)
TOKENIZER_FILES = (*VOCABULARY_FILES, CONFIG_FILE, ADDED_TOKENS_FILE, SPECIAL_TOKENS_FILE)
# With this class, every release of transformers uses `tokenizer.json` as it is. By its own name,
# transformers 5 would make another pipeline of the pieces. It has no token types in version 5.
_FOR_PIPELINE = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
}
# The field of `tokenizer_config.json` with the checksums of an spm.model and what was made of it.
CONVERTED = "converted_vocabulary"

_NO_LIMIT = 10**9
_DIFFERENT_ROLES = (
    *product(("cls_token", "sep_token", "pad_token", "unk_token"), ("mask_token",)),
    *product(("cls_token", "sep_token"), ("unk_token",)),
)
_FLAGS = ("lstrip", "normalized", "rstrip", "single_word", "special")


def read_options(folder: Path) -> dict[str, Any]:
    """Read the options and added tokens of a tokenizer.

    Args:
        folder: A folder with a `tokenizer_config.json`, or without.

    Returns:
        Arguments of `DebertaV2Tokenizer`.

    Raises:
        ValueError: A file is damaged (E213), or a field in it is invalid (E230).
    """
    config = _read(folder / CONFIG_FILE, TokenizerFields)
    listed = _read(folder / SPECIAL_TOKENS_FILE, SpecialTokenFields)
    options: dict[str, Any] = {
        name: value
        for name in (
            "do_lower_case",
            "split_by_punct",
            "split_special_tokens",
            "unknown_characters",
        )
        if (value := getattr(config, name)) is not None
    }
    # Hugging Face writes 1e30 for no limit.
    if (limit := config.model_max_length) and limit < _NO_LIMIT:
        options["model_max_length"] = int(limit)
    roles = {
        role: token if isinstance(token, str) else token.content
        for role in SPECIAL_TOKENS
        if (token := getattr(config, role) or getattr(listed, role))
    }
    _check_roles({**SPECIAL_TOKENS, **roles}, folder)

    # Hugging Face prefers the ids of the config; only old folders have `added_tokens.json` alone.
    if config.added_tokens_decoder is not None:
        added = [_added_token(token, int(i)) for i, token in config.added_tokens_decoder.items()]
    else:
        ids = _read(folder / ADDED_TOKENS_FILE, AddedTokenIds).root
        added = [AddedToken(content=content, id=i) for content, i in ids.items()]
    extra = [
        *(config.additional_special_tokens or listed.additional_special_tokens or ()),
        *_list_tokens(config.extra_special_tokens or listed.extra_special_tokens or ()),
    ]
    further = [_added_token(token, None) for token in extra]
    # `skip_special_tokens` uses the list; the flag alone may be left from an earlier role.
    known = {token.content for token in added}
    added += [token for token in further if token.content not in known]
    return {
        **options,
        **roles,
        "additional_special_tokens": [token.content for token in further],
        "added_tokens": added,
    }


def write_options(
    folder: Path,
    options: Mapping[str, Any],
    table: TokenTable,
    *,
    converted: bytes | None = None,
) -> list[Path]:
    """Write the files beside an `spm.model`.

    Args:
        folder: A folder with the `spm.model`.
        options: The arguments of `DebertaV2Tokenizer` other than tokens.
        table: The tokens.
        converted: The same tokenizer as a `tokenizer.json`, which is written too.

    Returns:
        The files.
    """
    roles = dict(table.roles)
    extra = special_contents(table)
    config = {
        "added_tokens_decoder": _decoder(table),
        "additional_special_tokens": extra,
        **roles,
        **options,
        "clean_up_tokenization_spaces": False,
        "sp_model_kwargs": {},
        "tokenizer_class": "DebertaV2Tokenizer",
        "vocab_type": "spm",
    }
    files: list[Path] = []
    if converted is not None:
        files.append(folder / PIPELINE_FILE)
        files[0].write_bytes(converted)
        config |= {**_FOR_PIPELINE, CONVERTED: _checksums(folder)}
        # These flags replace those in tokenizer.json.
        lowercases = bool(options.get("do_lower_case", False))
        tokens = {i: for_pipeline(t, lowercases=lowercases) for i, t in table.by_id.items()}
        config["added_tokens_decoder"] = _decoder(replace(table, by_id=tokens))
    listed = {**roles, "additional_special_tokens": extra} if extra else roles
    beyond = {token.content: i for i, token in sorted(table.by_id.items()) if i >= table.vocab_size}
    contents = {CONFIG_FILE: config, SPECIAL_TOKENS_FILE: listed, ADDED_TOKENS_FILE: beyond}
    return [*files, *(_write(folder / name, values) for name, values in contents.items())]


def is_converted(folder: Path) -> bool:
    """Whether the `tokenizer.json` of a folder was written from the `spm.model` beside it.

    Args:
        folder: A folder with both.

    Returns:
        Whether `tokenizer_config.json` says so of these very files.

    Raises:
        ValueError: It is damaged (E213).
    """
    config = read_raw_config(folder) or {}
    return CONVERTED in config and config[CONVERTED] == _checksums(folder)


def _checksums(folder: Path) -> dict[str, str]:
    return {
        name: sha256((folder / name).read_bytes()).hexdigest()
        for name in (SENTENCEPIECE_FILE, PIPELINE_FILE)
    }


def write_config(
    folder: Path,
    config: Mapping[str, Any],
    table: TokenTable,
    own: Iterable[AddedToken],
) -> Path:
    """Write the `tokenizer_config.json` beside a `tokenizer.json`.

    Args:
        folder: An existing folder.
        config: What it shall have, tokens with a role aside.
        table: The tokens.
        own: Those that `tokenizer.json` has.

    Returns:
        The file.
    """
    # The code that `auto_map` names is not saved.
    kept = {name: value for name, value in config.items() if name not in ("auto_map", CONVERTED)}
    values = {**table.roles, **kept, **_FOR_PIPELINE}
    # What transformers 5 calls `extra_special_tokens`; version 4 takes only an object by that name.
    named = values.pop("extra_special_tokens", None)
    if isinstance(named, Mapping):
        values["extra_special_tokens"] = named
    if extra := special_contents(table):
        values["additional_special_tokens"] = extra
    known = {token.content for token in own}
    if any(i >= table.vocab_size and t.content not in known for i, t in table.by_id.items()):
        values["added_tokens_decoder"] = _decoder(table)
    return _write(folder / CONFIG_FILE, values)


def read_raw_config(folder: Path) -> dict[str, Any] | None:
    """Read a `tokenizer_config.json` as it is; None where there is none.

    Raises:
        ValueError: It is damaged (E213).
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        return None
    try:
        return read_json(path)
    except JsonError as error:
        raise ValueError(Errors.E213.format(path=path, error=error)) from error


def _decoder(table: TokenTable) -> dict[str, Any]:
    return {
        str(i): {"content": token.content, **{flag: getattr(token, flag) for flag in _FLAGS}}
        for i, token in sorted(table.by_id.items())
    }


def _write(path: Path, values: Mapping[str, Any]) -> Path:
    text = json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf8")
    return path


def _list_tokens(
    tokens: Sequence[str | TokenFields] | Mapping[str, str | TokenFields],
) -> list[str | TokenFields]:
    return list(tokens.values() if isinstance(tokens, Mapping) else tokens)


def _added_token(token: str | TokenFields, token_id: int | None) -> AddedToken:
    if isinstance(token, str):
        return AddedToken(content=token, id=token_id)
    return AddedToken(**{**token.model_dump(), "id": token_id})


def _check_roles(roles: Mapping[str, str], folder: Path) -> None:
    """Check that separators, the unknown token and the mask are different tokens.

    The same token for both ends of a text, or for an end and the padding, occurs in real folders
    and is harmless.
    """
    for role, other in _DIFFERENT_ROLES:
        if roles[role] == roles[other]:
            raise ValueError(
                Errors.E230.format(
                    path=folder / CONFIG_FILE,
                    field=role,
                    found=show(roles[role]),
                    expected=f"another token than the '{other}'",
                )
            )


def _read(path: Path, schema: type[SchemaT]) -> SchemaT:
    if not path.is_file():
        return schema.model_validate({})
    try:
        return check_fields(schema, read_json(path))
    except JsonError as error:
        raise ValueError(Errors.E213.format(path=path, error=error)) from error
    except FieldError as error:
        raise ValueError(
            Errors.E230.format(
                path=path, field=error.field, found=error.found, expected=error.expected
            )
        ) from error

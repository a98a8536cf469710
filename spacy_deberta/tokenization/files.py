"""The folder of a tokenizer: spm.model and the JSON files that Hugging Face reads beside it."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import FieldError, JsonError, SchemaT, check_fields, read_json, show

from .fields import AddedTokenIds, SpecialTokenFields, TokenFields, TokenizerFields
from .special_tokens import SPECIAL_TOKENS, AddedToken, TokenTable, special_contents

VOCAB_FILE = "spm.model"
CONFIG_FILE = "tokenizer_config.json"
ADDED_TOKENS_FILE = "added_tokens.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"

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
        for name in ("do_lower_case", "split_by_punct", "split_special_tokens")
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
    extra = config.additional_special_tokens or listed.additional_special_tokens or ()
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


def write_options(folder: Path, options: Mapping[str, Any], table: TokenTable) -> list[Path]:
    """Write the JSON files of a folder.

    Args:
        folder: An existing folder.
        options: The arguments of `DebertaV2Tokenizer` other than tokens.
        table: The tokens.

    Returns:
        The files.
    """
    roles = dict(table.roles)
    extra = special_contents(table)
    decoder = {
        str(i): {"content": token.content, **{flag: getattr(token, flag) for flag in _FLAGS}}
        for i, token in sorted(table.by_id.items())
    }
    config = {
        "added_tokens_decoder": decoder,
        "additional_special_tokens": extra,
        **roles,
        **options,
        "clean_up_tokenization_spaces": False,
        "sp_model_kwargs": {},
        "tokenizer_class": "DebertaV2Tokenizer",
        "vocab_type": "spm",
    }
    listed = {**roles, "additional_special_tokens": extra} if extra else roles
    beyond = {token.content: i for i, token in sorted(table.by_id.items()) if i >= table.vocab_size}
    contents = {CONFIG_FILE: config, SPECIAL_TOKENS_FILE: listed, ADDED_TOKENS_FILE: beyond}
    for name, content in contents.items():
        text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
        (folder / name).write_text(text + "\n", encoding="utf8")
    return [folder / name for name in contents]


def read_vocabulary(path: Path) -> bytes:
    """Read a SentencePiece model.

    Args:
        path: The file.

    Returns:
        Its bytes, unchecked.

    Raises:
        ValueError: There is no such file.
    """
    if not path.is_file():
        raise ValueError(Errors.E201.format(path=path))
    return path.read_bytes()


def check_folder(path: Path) -> None:
    """Check that a folder has a vocabulary.

    Args:
        path: The folder.

    Raises:
        ValueError: It has none.
    """
    if not (path / VOCAB_FILE).is_file():
        found = sorted(p.name for p in path.iterdir())[:20] if path.is_dir() else "nothing"
        raise ValueError(Errors.E212.format(path=path, file=VOCAB_FILE, found=found))


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

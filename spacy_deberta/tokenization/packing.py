"""A tokenizer as bytes: a line of JSON, then the SentencePiece model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import FieldError, JsonError, check_fields, parse_json

from .fields import PackedFields
from .special_tokens import AddedToken

# So that later versions can tell.
_FORMAT = 1


def pack(
    options: Mapping[str, Any], added_tokens: Iterable[AddedToken], model_proto: bytes
) -> bytes:
    """Write a tokenizer to bytes.

    Args:
        options: Arguments of `DebertaV2Tokenizer`, fit for JSON.
        added_tokens: The tokens beside the pieces.
        model_proto: The serialized SentencePiece model.

    Returns:
        The bytes.
    """
    added = [asdict(token) for token in added_tokens]
    header = json.dumps({"format": _FORMAT, **options, "added_tokens": added})
    return header.encode("ascii") + b"\n" + model_proto


def unpack(data: bytes) -> dict[str, Any]:
    """Read what `pack` wrote.

    Args:
        data: The bytes.

    Returns:
        Arguments of `DebertaV2Tokenizer`.

    Raises:
        ValueError: The bytes are something else (E216).
    """
    line, _, model_proto = data.partition(b"\n")
    try:
        options = parse_json(line)
        fields = check_fields(PackedFields, options)
    except (JsonError, FieldError) as error:
        raise ValueError(Errors.E216.format(error=error)) from error
    if fields.format != _FORMAT:
        raise ValueError(Errors.E216.format(error=f"unknown format {fields.format!r}"))
    del options["format"]
    options["added_tokens"] = [AddedToken(**token) for token in options["added_tokens"]]
    return {**options, "model_proto": model_proto}

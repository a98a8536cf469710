"""Serialization of a tokenizer: a line of JSON, then the SentencePiece model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import FieldError, JsonError, check_fields, parse_json

from .fields import SerializedFields
from .special_tokens import AddedToken

# Version of the format, for later releases.
_FORMAT = 1


def serialize(
    options: Mapping[str, Any], added_tokens: Iterable[AddedToken], model_proto: bytes
) -> bytes:
    """Serialize a tokenizer.

    Args:
        options: Arguments of `DebertaV2Tokenizer`, as JSON values.
        added_tokens: The tokens beside the pieces.
        model_proto: The serialized SentencePiece model.

    Returns:
        The bytes.
    """
    added = [asdict(token) for token in added_tokens]
    header = json.dumps({"format": _FORMAT, **options, "added_tokens": added})
    return header.encode("ascii") + b"\n" + model_proto


def deserialize(data: bytes) -> dict[str, Any]:
    """Read the arguments of a serialized tokenizer.

    Args:
        data: The output of `serialize`.

    Returns:
        Arguments of `DebertaV2Tokenizer`.

    Raises:
        ValueError: The data is not a serialized tokenizer (E216).
    """
    line, _, model_proto = data.partition(b"\n")
    try:
        options = parse_json(line)
        fields = check_fields(SerializedFields, options)
    except (JsonError, FieldError) as error:
        raise ValueError(Errors.E216.format(error=error)) from error
    if fields.format != _FORMAT:
        raise ValueError(Errors.E216.format(error=f"unknown format {fields.format!r}"))
    del options["format"]
    options["added_tokens"] = [AddedToken(**token) for token in options["added_tokens"]]
    return {**options, "model_proto": model_proto}

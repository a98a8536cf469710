"""Serialization of a tokenizer: a line of JSON, then the file of the vocabulary."""

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
    options: Mapping[str, Any], added_tokens: Iterable[AddedToken], vocabulary: bytes
) -> bytes:
    """Serialize a tokenizer.

    Args:
        options: Arguments of `DebertaV2Tokenizer`, as JSON values.
        added_tokens: The tokens beside the pieces.
        vocabulary: An `spm.model`, or a `tokenizer.json` if `options` say `"engine": "tokenizers"`.

    Returns:
        The bytes.
    """
    added = [asdict(token) for token in added_tokens]
    header = json.dumps({"format": _FORMAT, **options, "added_tokens": added})
    return header.encode("ascii") + b"\n" + vocabulary


def deserialize(data: bytes) -> dict[str, Any]:
    """Read the arguments of a serialized tokenizer.

    Args:
        data: The output of `serialize`.

    Returns:
        Arguments of `DebertaV2Tokenizer`.

    Raises:
        ValueError: The data is not a serialized tokenizer (E216).
    """
    line, _, vocabulary = data.partition(b"\n")
    try:
        options = parse_json(line)
        fields = check_fields(SerializedFields, options)
    except (JsonError, FieldError) as error:
        raise ValueError(Errors.E216.format(error=error)) from error
    if fields.format != _FORMAT:
        raise ValueError(Errors.E216.format(error=f"unknown format {fields.format!r}"))
    del options["format"]
    options.pop("engine", None)
    options["added_tokens"] = [AddedToken(**token) for token in options["added_tokens"]]
    argument = "pipeline" if fields.engine == "tokenizers" else "model_proto"
    return {**options, argument: vocabulary}

"""A tokenizer as bytes: a line of JSON, then the SentencePiece model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from spacy_deberta.errors import Errors

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
        options = json.loads(line)
        version = options.pop("format")
        added = [AddedToken(**token) for token in options.pop("added_tokens")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(Errors.E216.format(error=error)) from error
    if version != _FORMAT:
        raise ValueError(Errors.E216.format(error=f"unknown format {version!r}"))
    return {**options, "added_tokens": added, "model_proto": model_proto}

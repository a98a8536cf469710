"""Reads `tokenizer.json` of the tokenizers library."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict
from tokenizers import Tokenizer

from spacy_deberta.errors import Errors
from spacy_deberta.tokenization.fields import SerializedTokenFields
from spacy_deberta.tokenization.special_tokens import AddedToken
from spacy_deberta.typed_json import FieldError, JsonError, Schema, check_fields, parse_json

from .unknown import UnknownCharacters
from .unreadable import UnreadableVocabularyError

# No pre-tokenizer leaves a space within a word, so no text contains such a piece.
UNREACHABLE = " \ufdd0"


# JSON has lists instead of tuples.
_Scored = Annotated[tuple[str, float], Strict(False)]


class ModelFields(Schema):
    """The field "model": the vocabulary and the subword algorithm."""

    type: str
    vocab: Sequence[_Scored] | Mapping[str, Annotated[int, Field(ge=0, le=2**24)]]
    unk_id: int | None = None
    unk_token: str | None = None


class PipelineFields(Schema):
    """The fields of `tokenizer.json` that are read here; the library checks the others."""

    model: Any
    added_tokens: Sequence[SerializedTokenFields] = ()


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A `tokenizer.json`.

    Args:
        content: The content of the file, unmodified unless `unknown_characters` differs from it.
        native: The pipeline without added tokens, post-processor, truncation and padding. It does
            not tokenize strings of control tokens to their ids.
        strings: The piece of each id. *Shape:* `(vocab_size,)`, of Python strings.
        unknown_id: Id of the unknown piece.
        unknown_characters: Encoding of characters without a piece.
        added_tokens: The added tokens, with ids.
        writes_spaces: Whether pieces include the space before a word, as "▁".
        miscounts_deletions: Whether offsets need `shift_after_deletions`.
        strips_left: Whether leading whitespace is stripped before the `Precompiled` normalizer.
    """

    content: bytes
    native: Tokenizer
    strings: NDArray[np.object_]
    unknown_id: int
    unknown_characters: UnknownCharacters
    added_tokens: tuple[AddedToken, ...]
    writes_spaces: bool
    miscounts_deletions: bool
    strips_left: bool


def read_pipeline(
    content: bytes,
    *,
    controls: Collection[str],
    unknown_characters: UnknownCharacters | None = None,
) -> Pipeline:
    """Read a `tokenizer.json`.

    Args:
        content: Content of the file.
        controls: Control tokens of the model, such as "[SEP]". A unigram model has them in its
            vocabulary, with the highest score, so a document with such a string would get their
            ids.
        unknown_characters: Overrides the file's setting if not None.

    Returns:
        The pipeline.

    Raises:
        ValueError: The file is damaged (E232), or has no unknown piece (E233), or no byte pieces
            although `unknown_characters` is "bytes" (E237).

    Source: the serialization of Hugging Face's tokenizers 0.21 to 0.23.
    """
    try:
        values = parse_json(content)
        fields = check_fields(PipelineFields, values)
        model = check_fields(ModelFields, values["model"])
    except (JsonError, FieldError, TypeError, ValueError) as error:
        raise UnreadableVocabularyError(error) from error
    strings, unknown_id = _read_pieces(model)
    hidden = {*controls} - {model.unk_token}
    has_bytes = {f"<0x{byte:02X}>" for byte in range(256)} <= {*strings.tolist()}
    in_file = bool(values["model"].get("byte_fallback", False)) and has_bytes
    spells = in_file if unknown_characters is None else unknown_characters == "bytes"
    if spells and not has_bytes:
        raise ValueError(Errors.E237)
    if spells != in_file:
        # Saved as well, so that others read what is used here.
        values = {**values, "model": {**values["model"], "byte_fallback": spells}}
        content = json.dumps(values, ensure_ascii=False).encode("utf8")
    native = _build({**values, "model": _hide(values["model"], hidden)})
    normalizer = json.dumps(values.get("normalizer"))
    return Pipeline(
        content=content,
        native=native,
        strings=strings,
        unknown_id=unknown_id,
        unknown_characters="bytes" if spells else "unk",
        added_tokens=tuple(AddedToken(**token.model_dump()) for token in fields.added_tokens),
        writes_spaces=model.type != "WordPiece",
        miscounts_deletions='"Precompiled"' in normalizer,
        strips_left='"strip_left": true' in normalizer.partition('"Precompiled"')[0],
    )


def _read_pieces(model: ModelFields) -> tuple[NDArray[np.object_], int]:
    if isinstance(model.vocab, Mapping):
        strings = np.full(max(model.vocab.values(), default=-1) + 1, "", dtype=object)
        for piece, piece_id in model.vocab.items():
            strings[piece_id] = piece
        unknown_id = model.vocab.get(model.unk_token or "", -1)
    else:
        strings = np.array([piece for piece, _ in model.vocab], dtype=object)
        unknown_id = -1 if model.unk_id is None else model.unk_id
    if not 0 <= unknown_id < len(strings):
        raise ValueError(Errors.E233)
    return strings, unknown_id


def _hide(model: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """Rename pieces so that no text contains them. Their ids and scores stay."""
    vocab = model["vocab"]
    if isinstance(vocab, Mapping):
        renamed: Any = {_rename(piece, hidden): i for piece, i in vocab.items()}
        # The library's ids of added tokens start at the number of pieces, so gaps must be filled.
        gaps = {*range(max(vocab.values(), default=-1) + 1)} - {*vocab.values()}
        renamed |= {f"{i}{UNREACHABLE}": i for i in gaps}
    else:
        renamed = [(_rename(piece, hidden), score) for piece, score in vocab]
    return {**model, "vocab": renamed}


def _rename(piece: str, hidden: Collection[str]) -> str:
    return piece + UNREACHABLE if piece in hidden else piece


def _build(values: Mapping[str, Any]) -> Tokenizer:
    stripped: dict[str, Any] = {
        "added_tokens": [],
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }
    try:
        return Tokenizer.from_str(json.dumps({**values, **stripped}))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # the library's panics are not of class Exception
        raise UnreadableVocabularyError(error) from error

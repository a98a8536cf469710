"""Converts SentencePiece models to `tokenizer.json`."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.tokenization.encoding import PieceEncoder

from .template import make_template

# Fields of SentencePiece's ModelProto and NormalizerSpec.
_NORMALIZER_SPEC, _CHARSMAP = 3, 2
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def convert_sentencepiece(
    model_proto: bytes, *, do_lower_case: bool = False, split_by_punct: bool = False
) -> bytes:
    """Convert a SentencePiece unigram model to a `tokenizer.json`.

    Unlike Hugging Face's converters, it keeps both the character map, which transformers 5 drops,
    and the byte fallback, which versions 4 and 5 drop. Ids differ from SentencePiece's in three
    cases: combining marks after characters that the map changes, which the library normalizes
    together; texts that spell a byte piece, such as "<0x41>"; and words with two segmentations of
    the same score, such as "sooooooo".

    Args:
        model_proto: The SentencePiece model.
        do_lower_case: Whether texts are lowercased.
        split_by_punct: Whether each punctuation character is a separate word.

    Returns:
        The `tokenizer.json`, without added tokens.

    Raises:
        ValueError: `model_proto` is not a usable SentencePiece model (E202, E220, E221).

    Source: the schema sentencepiece_model.proto of SentencePiece 0.2.
    """
    encoder = PieceEncoder(model_proto)
    processor = encoder.processor
    strings = encoder.piece_text.strings.tolist()
    charsmap = _read_charsmap(model_proto)
    normalizers: list[dict[str, Any]] = [{"type": "Lowercase"}] if do_lower_case else []
    if charsmap:
        encoded = base64.b64encode(charsmap).decode("ascii")
        normalizers.append({"type": "Precompiled", "precompiled_charsmap": encoded})
    normalizers += [
        {"type": "Replace", "pattern": {"Regex": "[ ▁]+"}, "content": " "},
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ]
    metaspace = {"replacement": "▁", "prepend_scheme": "always", "split": True}
    words: list[dict[str, Any]] = []
    if split_by_punct:
        words.append({"type": "Punctuation", "behavior": "Isolated"})
    words.append({"type": "Metaspace", **metaspace})
    values: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
        "post_processor": make_template({piece: i for i, piece in enumerate(strings)}),
        "decoder": {
            "type": "Sequence",
            "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", **metaspace}],
        },
        "model": {
            "type": "Unigram",
            "unk_id": int(processor.unk_id()),
            "vocab": [(piece, float(processor.GetScore(i))) for i, piece in enumerate(strings)],
            "byte_fallback": any(map(processor.IsByte, range(len(strings)))),
        },
    }
    return json.dumps(values, ensure_ascii=False).encode("utf8")


def _read_charsmap(model_proto: bytes) -> bytes:
    for spec in _read_fields(model_proto, _NORMALIZER_SPEC):
        for charsmap in _read_fields(spec, _CHARSMAP):
            return charsmap
    return b""


def _read_fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """The values of a length-delimited field of a Protocol Buffers message."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            _, place = _read_varint(message, place)
            continue
        if kind == _BYTES:
            size, place = _read_varint(message, place)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(Errors.E202.format(size=len(message), error=f"wire type {kind}"))
        if kind == _BYTES and key >> 3 == wanted:
            yield message[place : place + size]
        place += size


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    return value, place

"""Converts SentencePiece models to `tokenizer.json`."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.tokenization.encoding import PieceEncoder
from spacy_deberta.tokenization.special_tokens import AddedToken

from .pipeline import UNREACHABLE
from .template import make_template

# Fields of SentencePiece's ModelProto and NormalizerSpec.
_NORMALIZER_SPEC, _CHARSMAP = 3, 2
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5

_Scored = tuple[str, float]


def convert_sentencepiece(
    model_proto: bytes,
    *,
    encoder: PieceEncoder | None = None,
    do_lower_case: bool = False,
    split_by_punct: bool = False,
    byte_fallback: bool | None = None,
    added_tokens: Iterable[AddedToken] = (),
    cls_token: str = "[CLS]",
    sep_token: str = "[SEP]",
) -> bytes:
    """Convert a SentencePiece unigram model to a `tokenizer.json`.

    Unlike Hugging Face's converters, it keeps both the character map, which transformers 5 drops,
    and the byte fallback, which versions 4 and 5 drop. Ids differ from SentencePiece's in these
    cases: combining marks after characters that the map changes, which the library normalizes
    together; characters in parts that the map composes, such as Hangul; texts that spell a byte
    piece, such as "<0x41>"; words with two segmentations of the same score, such as "sooooooo";
    and, with `split_by_punct`, punctuation that the map expands, such as "…".

    Args:
        model_proto: The SentencePiece model.
        encoder: The same model, if it is loaded already.
        do_lower_case: Whether texts are lowercased.
        split_by_punct: Whether each punctuation character is a separate word.
        byte_fallback: Whether characters without a piece are encoded as bytes; None for what the
            model does.
        added_tokens: The added tokens, with ids.
        cls_token: The token before the first text.
        sep_token: The token after each text.

    Returns:
        The `tokenizer.json`.

    Raises:
        ValueError: `model_proto` is not a usable SentencePiece model (E202, E220, E221).

    Source: the schema sentencepiece_model.proto of SentencePiece 0.2.
    """
    encoder = encoder or PieceEncoder(model_proto)
    processor = encoder.processor
    strings = encoder.piece_text.strings.tolist()
    vocab = [(piece, float(processor.GetScore(i))) for i, piece in enumerate(strings)]
    if byte_fallback is None:
        byte_fallback = any(map(processor.IsByte, range(len(strings))))
    added = sorted(added_tokens, key=lambda token: token.id or 0)
    vocab += _fill_gaps(vocab, added)
    ids = {piece: i for i, (piece, _) in enumerate(vocab)}
    ids |= {token.content: token.id for token in added if token.id is not None}
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
        spaces = {"pattern": {"Regex": " +"}, "behavior": "Removed", "invert": False}
        words += [{"type": "Punctuation", "behavior": "Isolated"}, {"type": "Split", **spaces}]
    words.append({"type": "Metaspace", **metaspace})
    values: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [asdict(for_pipeline(t, lowercases=do_lower_case)) for t in added],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
        "post_processor": make_template(ids, cls_token=cls_token, sep_token=sep_token),
        "decoder": {
            "type": "Sequence",
            "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", **metaspace}],
        },
        "model": {
            "type": "Unigram",
            "unk_id": int(processor.unk_id()),
            "vocab": vocab,
            "byte_fallback": byte_fallback,
        },
    }
    return json.dumps(values, ensure_ascii=False).encode("utf8")


def for_pipeline(token: AddedToken, *, lowercases: bool) -> AddedToken:
    """Give a token the flags with which the library finds it where SentencePiece's users do.

    Args:
        token: An added token.
        lowercases: Whether texts are lowercased.

    Returns:
        The same token. A normalized one is also found where the map of characters makes it, so it
        is one only if case matters; then it takes the spaces beside it, which would be pieces.
    """
    if not lowercases:
        return replace(token, normalized=False)
    return replace(token, lstrip=True, rstrip=True) if token.normalized else token


def _fill_gaps(vocab: Sequence[tuple[str, float]], added: Iterable[AddedToken]) -> list[_Scored]:
    """Pieces for ids beyond the model's, where one of them is that of no token.

    The library numbers added tokens from the number of pieces on, without a gap.
    """
    ids = {token.id: token.content for token in added if token.id is not None}
    beyond = {i: content for i, content in ids.items() if i >= len(vocab)}
    places = range(len(vocab), max(beyond, default=0) + 1)
    if len(places) == len(beyond):
        return []
    lowest = min(score for _, score in vocab)
    return [(beyond.get(i, f"{i}{UNREACHABLE}"), lowest) for i in places]


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

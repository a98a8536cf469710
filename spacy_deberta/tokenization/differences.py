"""What differs between the two vocabularies of one folder."""

import json
from collections.abc import Mapping
from typing import Any

from .engines import SentencePieceEngine, TokenizersEngine
from .special_tokens import SPECIAL_TOKENS

# Compatibility characters, marks to be composed, spaces, and letters of both cases.
_PROBES = ("ﬁne ½ ①…", "Ｗｉｄｅ　Ａ", "a\u200bb", "cafe\u0301", "Case ẞ", "a  b\tc")


def find_differences(model_proto: bytes, pipeline: bytes, options: Mapping[str, Any]) -> list[str]:
    """Compare the `spm.model` and the `tokenizer.json` of a folder.

    Args:
        model_proto: The `spm.model`.
        pipeline: The `tokenizer.json`.
        options: What the other files of the folder say, as arguments of `DebertaV2Tokenizer`.

    Returns:
        Every difference as a clause; none if the same text becomes the same pieces.

    Raises:
        ValueError: The `tokenizer.json` is damaged (E232, E233).
    """
    fast = TokenizersEngine(pipeline, controls=SPECIAL_TOKENS.values())
    try:
        slow = SentencePieceEngine(model_proto)
    except ValueError:
        return [f"spm.model, of {len(model_proto)} bytes, is no SentencePiece model"]
    found = []
    count, fast_count = len(slow.strings), len(fast.strings)
    if count != fast_count:
        found.append(f"spm.model has {count} pieces, tokenizer.json has {fast_count}")
    elif other := int((slow.strings != fast.strings).sum()):
        found.append(f"{other} pieces differ")
    model = json.loads(pipeline)["model"]
    spells = slow.has_bytes and options.get("unknown_characters") != "unk"
    if spells and not model.get("byte_fallback", False):
        unknown = fast.strings[fast.unknown_id]
        found.append(
            "byte_fallback: spm.model spells characters without a piece in bytes, tokenizer.json "
            f"makes them {unknown}"
        )
    lower = str.lower if options.get("do_lower_case") else str
    if any(_normalize_slow(slow, lower(text)) != fast.normalize(text) for text in _PROBES):
        found.append("the normalizers differ")
    beyond = {
        token.content: token.id for token in fast.added_tokens if (token.id or 0) >= fast_count
    }
    listed = {token.content: token.id for token in options["added_tokens"]}
    listed = {token: i for token, i in listed.items() if i is None or i >= count}
    mask = options.get("mask_token", SPECIAL_TOKENS["mask_token"])
    added = sorted(({*beyond} ^ {*listed}) - {mask})
    if added:
        found.append(f"the added tokens {', '.join(added[:5])} are in one of them only")
    return found


def _normalize_slow(engine: SentencePieceEngine, text: str) -> str:
    return str(engine.encoder.processor.Normalize(text)).replace("▁", " ").strip()

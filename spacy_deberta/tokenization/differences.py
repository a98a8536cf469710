"""What differs between the two vocabularies of one folder."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from .engines import SentencePieceEngine, TokenizersEngine
from .making import make_parts
from .special_tokens import SPECIAL_TOKENS
from .text_encoder import TextEncoder

# Compatibility characters, marks to be composed, spaces, and letters of both cases.
_PROBES = ("ﬁne ½ ①…", "Ｗｉｄｅ　Ａ", "a\u200bb", "cafe\u0301", "Case ẞ", "a  b\tc")
# Texts that become other ids where words, spaces or unknown characters are treated differently.
# They are none of those that `convert_sentencepiece` lists.
_TEXTS = (
    "Well-known... it's, (ok)! $5.00 e_mail #tag @user <b> a+b=c",
    "“Quoted” ‘text’ – and—more «here» ¿no? 「漢字」。",
    "café naïve Ａ ﬁne Straße",
    "  two  spaces   a\tb\nc \n d\u3000e\xa0f  ",
    "x🦣🦤y 🦣 🦤, \ue000\ue001 漢字 a\ue000b",
    "The U.S. 3.14 1,000 DON'T don't",
    " ",
)
# How many of the added tokens are tried, in each of the contexts.
_TRIED = 40
_CONTEXTS = ("a {} b", "a{}b", "{}", "{0}{0}", "a  {}, b", "({})", " {} ", "a {}.")


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
    return found or _compare_ids(model_proto, pipeline, options)


def _compare_ids(model_proto: bytes, pipeline: bytes, options: Mapping[str, Any]) -> list[str]:
    """Encode texts with both tokenizers; the first whose ids differ is named."""
    try:
        fast = _make_encoder(None, pipeline, options)
    except ValueError:
        return []  # then SentencePiece is what there is
    try:
        slow = _make_encoder(model_proto, None, options)
    except ValueError as error:
        return [f"spm.model and the tokens of the other files don't go together: {error}"]
    contents = [token.content for token in fast.added_tokens.values()]
    tried = contents[: _TRIED // 2] + contents[max(_TRIED // 2, len(contents) - _TRIED // 2) :]
    texts = [*_TEXTS, *(context.format(token) for token in tried for context in _CONTEXTS)]
    for text, ours, theirs in zip(texts, _encode(slow, texts), _encode(fast, texts), strict=True):
        if ours != theirs:
            return [f"the ids of {text!r} differ"]
    return []


def _make_encoder(
    model_proto: bytes | None, pipeline: bytes | None, options: Mapping[str, Any]
) -> TextEncoder:
    names = ("do_lower_case", "split_by_punct", "unknown_characters", "added_tokens")
    engine, table = make_parts(
        model_proto,
        pipeline,
        roles={role: options.get(role, _default(role)) for role in SPECIAL_TOKENS},
        threads=1,
        **{name: options[name] for name in names if name in options},
    )
    splits = options.get("split_special_tokens", False)
    return TextEncoder(engine, table, split_special_tokens=splits, model_max_length=None)


def _default(role: str) -> str | None:
    return None if role in ("bos_token", "eos_token") else SPECIAL_TOKENS[role]


def _encode(encoder: TextEncoder, texts: list[str]) -> list[list[int]]:
    ids, cu_pieces = encoder.encode_ids(texts)
    return [ids[start:end].tolist() for start, end in pairwise(cu_pieces.tolist())]


def _normalize_slow(engine: SentencePieceEngine, text: str) -> str:
    return str(engine.encoder.processor.Normalize(text)).replace("▁", " ").strip()

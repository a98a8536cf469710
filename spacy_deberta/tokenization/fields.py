"""Schemas of a tokenizer's JSON files, as written by all releases of transformers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, RootModel

from spacy_deberta.typed_json import Schema, expected, whole_number

# Ids are indices of tables; no real vocabulary is that large.
MAX_ID = 2**24


class TokenFields(Schema):
    """A token with flags: an `AddedToken` of Hugging Face."""

    content: Annotated[str, Field(min_length=1)]
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool = False
    special: bool = False


Flag = Annotated[bool | None, expected("true, false or null")]
Token = Annotated[
    str | TokenFields | None,
    expected('a string, null, or an object with "content" and true or false for its flags'),
]
Tokens = Annotated[
    Sequence[Annotated[str, Field(min_length=1)] | TokenFields] | None,
    expected('a list of tokens, which are strings or objects with "content"'),
]


ExtraTokens = Annotated[
    Sequence[Annotated[str, Field(min_length=1)] | TokenFields]
    | Mapping[str, Annotated[str, Field(min_length=1)] | TokenFields]
    | None,
    expected("a list of tokens, or an object from names to tokens"),
]


def _limit(value: float) -> float:
    if value < 0 or value != int(value):
        raise ValueError
    return value


def _numbers(tokens: Mapping[str, TokenFields]) -> Mapping[str, TokenFields]:
    if not all(key.isdecimal() and key.isascii() and int(key) <= MAX_ID for key in tokens):
        raise ValueError
    return tokens


class SpecialTokenFields(Schema):
    """The fields of `special_tokens_map.json`."""

    bos_token: Token = None
    eos_token: Token = None
    unk_token: Token = None
    sep_token: Token = None
    pad_token: Token = None
    cls_token: Token = None
    mask_token: Token = None
    additional_special_tokens: Tokens = None
    # What transformers 5 calls the same; an object there names them.
    extra_special_tokens: ExtraTokens = None


class TokenizerFields(SpecialTokenFields):
    """The fields of `tokenizer_config.json`."""

    backend: str | None = None
    tokenizer_class: str | None = None
    do_lower_case: Flag = None
    # Ours: no release of transformers has it.
    unknown_characters: Literal["bytes", "unk"] | None = None
    strip_accents: Flag = None
    tokenize_chinese_chars: Flag = None
    split_by_punct: Flag = None
    split_special_tokens: Flag = None
    model_max_length: Annotated[
        Annotated[float, AfterValidator(_limit)] | None,
        expected("a whole number from 0 up, or null"),
    ] = None
    added_tokens_decoder: Annotated[
        Annotated[Mapping[str, TokenFields], AfterValidator(_numbers)] | None,
        expected(
            'null, or an object from ids to tokens, such as {"128000": {"content": "[MASK]"}}'
        ),
    ] = None


class SerializedTokenFields(TokenFields):
    """A token with flags and its id in a serialized tokenizer."""

    id: Annotated[int, whole_number(0, MAX_ID)] | None = None


class SerializedFields(TokenizerFields):
    """The options in a serialized tokenizer."""

    model_config = ConfigDict(extra="forbid")

    format: int
    added_tokens: Sequence[SerializedTokenFields]
    engine: Literal["sentencepiece", "tokenizers"] = "sentencepiece"
    tokenizer_config: Mapping[str, Any] | None = None


TokenKey = Annotated[
    Annotated[str, Field(min_length=1)], expected("a token of at least one character")
]


class AddedTokenIds(RootModel[dict[str, int]]):
    """`added_tokens.json`: every token with its id."""

    root: dict[TokenKey, Annotated[int, whole_number(0, MAX_ID)]]
    model_config = {"strict": True}

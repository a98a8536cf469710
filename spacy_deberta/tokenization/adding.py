"""Tokens added to a tokenizer, such as the markers of a GLiNER."""

from collections.abc import Iterable

from .serialization import deserialize
from .special_tokens import AddedToken
from .tokenizer import DebertaV2Tokenizer


def add_tokens(tokenizer: DebertaV2Tokenizer, tokens: Iterable[AddedToken]) -> DebertaV2Tokenizer:
    """Add tokens to a tokenizer, or replace those with the same content.

    Args:
        tokenizer: The tokenizer, which is not changed.
        tokens: As `added_tokens` of `DebertaV2Tokenizer`.

    Returns:
        A new tokenizer, of the same class.

    Raises:
        ValueError: Two tokens have the same id (E218).
    """
    new = {token.content: token for token in tokens}
    options = deserialize(tokenizer.to_bytes())
    kept = [token for token in options["added_tokens"] if token.content not in new]
    options["added_tokens"] = [*kept, *new.values()]
    return type(tokenizer)(threads=tokenizer.threads, **options)

"""Preprocessing before SentencePiece: lowercasing, and splitting into segments."""

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spacy_deberta.arrays import Ints

from .special_tokens import AddedToken, TokenTable


class Segment(NamedTuple):
    """A part of a text that is encoded on its own.

    Args:
        start: First character.
        end: One past the last character.
        token: The added token, if the part is one.
    """

    start: int
    end: int
    token: AddedToken | None = None


def lower(text: str, keep: re.Pattern[str] | None = None) -> tuple[str, Ints | None]:
    """Lowercase a text character by character, as Hugging Face does.

    Args:
        text: Any string.
        keep: Matches are not lowercased.

    Returns:
        The lowercased text, and for each of its characters and its end the index of the original
        character in `text` (*Shape:* `(len(lowered) + 1,)`, int64), or None if the two have the
        same length: only "İ" becomes longer.
    """
    if keep is None:
        # Lowercasing the whole text would turn a "Σ" at the end of a word into "ς".
        lowered = text.replace("Σ", "σ").lower()
        if len(lowered) == len(text):
            return lowered, None
        parts = [character.lower() for character in text]
    else:
        parts = []
        position = 0
        for match in keep.finditer(text):
            parts.extend(character.lower() for character in text[position : match.start()])
            parts.extend(match[0])
            position = match.end()
        parts.extend(character.lower() for character in text[position:])
    widths = np.array([len(part) for part in parts], dtype=np.int64)
    lowered = "".join(parts)
    if len(lowered) == len(text):
        return lowered, None
    origins = np.repeat(np.arange(len(text), dtype=np.int64), widths)
    return lowered, np.append(origins, len(text))


def split_tokens(text: str, table: TokenTable) -> list[Segment]:
    """Split a text at its added tokens.

    Args:
        text: Any string, already lowercased if the tokenizer lowercases.
        table: The tokens of the tokenizer.

    Returns:
        The tokens and the segments between them, in order, without empty ones.
    """
    segments: list[Segment] = []
    position = 0
    for match in table.pattern.finditer(text):
        if match.start() > position:
            segments.append(Segment(position, match.start()))
        segments.append(Segment(match.start(), match.end(), table.by_content[match[0]]))
        position = match.end()
    if position < len(text):
        segments.append(Segment(position, len(text)))
    for i, segment in enumerate(segments):
        if segment.token is not None:
            _strip_around(text, segments, i, segment.token)
    # A token that was merged with its neighbour is a token after all if that was whitespace only.
    return [
        segment._replace(token=table.by_content.get(text[segment.start : segment.end]))
        for segment in segments
        if segment.start < segment.end
    ]


def split_punctuation(text: str, segment: Segment) -> Iterator[Segment]:
    """Split a segment so that every punctuation character is a segment of its own.

    Args:
        text: The whole text.
        segment: A segment of it; an added token is not split.

    Yields:
        The segments, in order.
    """
    if segment.token is not None:
        yield segment
        return
    for match in _punctuation_pattern().finditer(text, segment.start, segment.end):
        yield Segment(match.start(), match.end())


def is_punctuation(character: str) -> bool:
    """Whether a character is punctuation as BERT defines it.

    Args:
        character: One character.

    Returns:
        Whether its Unicode category is P, or it is printable ASCII other than a letter, digit or
        space.
    """
    if "!" <= character <= "~":
        return not character.isalnum()
    return unicodedata.category(character).startswith("P")


def _strip_around(text: str, segments: list[Segment], i: int, token: AddedToken) -> None:
    left = segments[i - 1] if i > 0 else None
    right = segments[i + 1] if i + 1 < len(segments) else None
    if right is not None and token.rstrip:
        inside = text[right.start : right.end]
        segments[i + 1] = right._replace(start=right.end - len(inside.lstrip()))
    if left is not None and token.lstrip:
        inside = text[left.start : left.end]
        segments[i - 1] = left._replace(end=left.start + len(inside.rstrip()))
    # Hugging Face checks `single_word` on the neighbours before they were stripped.
    if not token.single_word:
        return
    here = segments[i]
    if left is not None and left.end > left.start and text[left.end - 1] != " ":
        segments[i - 1] = Segment(left.start, here.end)
        segments[i] = Segment(here.end, here.end)
    elif right is not None and right.end > right.start and text[right.start] != " ":
        segments[i + 1] = Segment(here.start, right.end)
        segments[i] = Segment(here.start, here.start)


@lru_cache(maxsize=1)
def _punctuation_pattern() -> re.Pattern[str]:
    # Built on first use: going through all of Unicode takes a tenth of a second.
    every = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if is_punctuation(c))
    inside = re.escape(every)
    return re.compile(f"[{inside}]|[^{inside}]+")

"""Texts → words, as GLiNER splits them, and their pieces."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.tokenization import DebertaV2Tokenizer

# "state-of-the-art" is one word, "U.S." four.
_WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")


@dataclass(frozen=True, eq=False)
class Words:
    """The words of a batch of texts.

    Attributes:
        starts: First character of each word in its text, `(words,)`.
        ends: One past its last character, `(words,)`.
        cu_words: Text `i` has the words from `cu_words[i]` to `cu_words[i + 1]`, `(texts + 1,)`.
        ids: Pieces of all words, `(pieces,)`.
        cu_pieces: Word `i` has the pieces from `cu_pieces[i]` to `cu_pieces[i + 1]`, at least one,
            `(words + 1,)`.
    """

    starts: Ints
    ends: Ints
    cu_words: Ints
    ids: Ints
    cu_pieces: Ints


def split_words(texts: Iterable[str], tokenizer: DebertaV2Tokenizer, *, empty: int) -> Words:
    """Split texts into words, and each word into pieces.

    Args:
        texts: The texts.
        tokenizer: The vocabulary.
        empty: The piece of a word without one.

    Returns:
        The words.

    Source: The words of the splitter "whitespace" of gliner 0.2.29.
    """
    found: list[str] = []
    offsets: list[tuple[int, int]] = []
    counts: list[int] = []
    for text in texts:
        before = len(found)
        for match in _WORD.finditer(text):
            found.append(match[0])
            offsets.append(match.span())
        counts.append(len(found) - before)
    bounds = np.array(offsets, dtype=np.int64).reshape(-1, 2)
    ids, cu_pieces = encode_words(found, tokenizer, empty=empty)
    return Words(
        bounds[:, 0], bounds[:, 1], cumulative(np.array(counts, dtype=np.int64)), ids, cu_pieces
    )


def encode_words(
    words: list[str], tokenizer: DebertaV2Tokenizer, *, empty: int
) -> tuple[Ints, Ints]:
    """Split words into pieces, each by itself, at least one for each.

    Args:
        words: The words. A label is one word, too.
        tokenizer: The vocabulary.
        empty: The piece of a word that the normalizer removes. Hugging Face's fast tokenizer, with
            which GLiNER's checkpoints were trained, leaves the space before it.

    Returns:
        Ids, `(pieces,)`, and the boundaries of the words, `(words + 1,)`.
    """
    ids, cu_pieces = tokenizer.encode_ids(words)
    counts = np.diff(cu_pieces)
    if counts.all():
        return ids, cu_pieces
    return (
        np.insert(ids, cu_pieces[:-1][counts == 0], empty),
        cumulative(np.maximum(counts, 1)),
    )


def count_words(text: str) -> int:
    """The number of words of a text."""
    return sum(1 for _ in _WORD.finditer(text))

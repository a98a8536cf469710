"""How well a vocabulary fits texts: pieces per word, and characters without a piece."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.errors import Errors, check_texts
from spacy_deberta.tokenization import DebertaV2Tokenizer, Pieces

_EXAMPLES = 5
_CHARACTERS = 50

IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SplitWord:
    """A word and its pieces.

    Attributes:
        word: The word.
        pieces: Its pieces, in SentencePiece's notation.
    """

    word: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VocabularyReport:
    """Measurements of a vocabulary on texts. Words are separated by whitespace.

    Attributes:
        vocab_size: Number of pieces of the vocabulary.
        words: Number of words of the texts.
        characters: Number of characters, without whitespace.
        pieces_per_word: Mean number of pieces of a word.
        whole_words: Share of the words that are one piece.
        covered: Share of the characters that are neither encoded as bytes nor unknown.
        without_piece: The characters that are not covered, most frequent first; at most 50.
        bytes: Share of the pieces that are bytes.
        unknown: Share of the pieces that are unknown.
        most_pieces: Words of letters only with the most pieces, in descending order.
    """

    vocab_size: int
    words: int
    characters: int
    pieces_per_word: float
    whole_words: float
    covered: float
    without_piece: tuple[str, ...]
    bytes: float
    unknown: float
    most_pieces: tuple[SplitWord, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self)


def measure_vocabulary(tokenizer: DebertaV2Tokenizer, texts: Iterable[str]) -> VocabularyReport:
    """Measure how a vocabulary splits texts.

    Args:
        tokenizer: The vocabulary.
        texts: The texts; their distinct words are kept in memory.

    Returns:
        The measurements. Each distinct word is tokenized once, because no piece spans whitespace.

    Raises:
        ValueError: There is no word in the texts (E741), or they are one string (E205).
    """
    counts = Counter(word for text in check_texts(texts) for word in text.split())
    if not counts:
        raise ValueError(Errors.E741)
    words = list(counts)
    times = np.fromiter(counts.values(), dtype=np.int64, count=len(words))
    pieces = tokenizer.encode_batch(words)
    lengths = np.diff(pieces.cu_pieces)
    total = int(times @ lengths)
    of_piece = np.repeat(times, lengths)
    unknown = pieces.ids == tokenizer.unk_token_id
    # A vocabulary without byte pieces returns the id of the unknown piece for them.
    spelled = tokenizer.convert_tokens_to_ids([f"<0x{value:02X}>" for value in range(256)])
    bytes_ = np.isin(pieces.ids, spelled) & ~unknown
    characters = int(times @ np.array([len(word) for word in words], dtype=np.int64))
    lost = _characters(words, times, pieces, bytes_ | unknown)
    return VocabularyReport(
        vocab_size=tokenizer.vocab_size,
        words=int(times.sum()),
        characters=characters,
        pieces_per_word=total / int(times.sum()),
        whole_words=int(times[lengths == 1].sum()) / int(times.sum()),
        covered=1 - lost.total() / characters,
        without_piece=tuple(character for character, _ in lost.most_common(_CHARACTERS)),
        bytes=int(of_piece[bytes_].sum()) / max(total, 1),
        unknown=int(of_piece[unknown].sum()) / max(total, 1),
        most_pieces=_most_pieces(tokenizer, words, pieces),
    )


def _characters(
    words: list[str], times: IntArray, pieces: Pieces, chosen: NDArray[np.bool_]
) -> Counter[str]:
    """Count the characters that the chosen pieces cover."""
    places = np.repeat(np.arange(len(pieces)), np.diff(pieces.cu_pieces))
    # All bytes of a character have the same span, which counts once.
    spans = np.stack([places[chosen], pieces.starts[chosen], pieces.ends[chosen]])
    counts: Counter[str] = Counter()
    for i, start, end in np.unique(spans, axis=1).T.tolist():
        for character in words[i][start:end]:
            counts[character] += int(times[i])
    return counts


def _most_pieces(
    tokenizer: DebertaV2Tokenizer, words: list[str], pieces: Pieces
) -> tuple[SplitWord, ...]:
    lengths = np.diff(pieces.cu_pieces).tolist()
    split = [i for i, word in enumerate(words) if lengths[i] > 1 and word.isalpha()]
    longest = sorted(split, key=lambda i: (-lengths[i], words[i]))[:_EXAMPLES]
    bounds = pieces.cu_pieces
    return tuple(
        SplitWord(
            word=words[i],
            pieces=tuple(
                tokenizer.convert_ids_to_tokens(pieces.ids[bounds[i] : bounds[i + 1]].tolist())
            ),
        )
        for i in longest
    )

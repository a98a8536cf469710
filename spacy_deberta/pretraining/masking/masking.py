"""Mask pieces: whole words and n-grams, anywhere in a sequence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.errors import Errors, check_flag
from spacy_deberta.pretraining.counter_random import UInt64s, uniform

from .piece_table import Bools, Ints, PieceTable

# Label of pieces without a loss: torch's default `ignore_index`.
IGNORED = -100
# Maximum number of pieces of a masked word: scripts without spaces have no words to mask whole.
_LONGEST_WORD = 8
# Keys of the random numbers, one for each purpose.
_GRAM, _ORDER, _TAKE, _FATE, _OTHER, _SAMPLE = range(6)


@dataclass(frozen=True, kw_only=True)
class Masking:
    """How pieces are chosen, and what replaces them.

    Args:
        probability: Share of the pieces that is chosen.
        whole_words: Whether whole words are chosen, and not single pieces.
        max_ngram: Maximum number of consecutive words that are chosen together; n words with a
            probability proportional to 1/n.
        masked: Share of the chosen pieces that is replaced by the mask token.
        replaced: Share that is replaced by a random piece. The rest is unchanged.

    Raises:
        ValueError: A share is out of its range (E720).

    Source: Devlin et al. 2019 (arXiv 1810.04805), section 3.1; He et al. 2021 (arXiv 2006.03654),
        section 4.4 and appendix A.
    """

    probability: float = 0.15
    whole_words: bool = True
    max_ngram: int = 3
    masked: float = 0.8
    replaced: float = 0.1

    def __post_init__(self) -> None:
        check_flag("whole_words", self.whole_words)
        shares = (self.probability, self.masked, self.replaced, self.masked + self.replaced)
        if not (all(0 <= share <= 1 for share in shares) and 0 < self.probability < 1):
            raise ValueError(Errors.E720.format(masking=self))
        if self.max_ngram < 1:
            raise ValueError(Errors.E720.format(masking=self))


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskedSequences:
    """Packed sequences with masked pieces.

    Attributes:
        ids: The model's input, `(total_pieces,)`.
        lengths: Number of pieces of each sequence, `(sequences,)`.
        rows: Rows of the chosen pieces, ascending, `(chosen,)`.
        originals: Their original ids, `(chosen,)`.
        noise: Uniform in [0, 1), for sampling a piece in their place, `(chosen,)`.
    """

    ids: Ints
    lengths: Ints
    rows: Ints
    originals: Ints
    noise: NDArray[np.float64]


def mask_sequences(
    ids: Ints, lengths: Ints, keys: UInt64s, *, masking: Masking, table: PieceTable
) -> MaskedSequences:
    """Choose pieces of packed sequences and mask them.

    The mask of a sequence depends on its key only, not on the rest of the batch. Every piece has
    the same probability, the last ones included, and every sequence has the same share on average.

    Args:
        ids: Packed pieces, special tokens included, `(total_pieces,)`.
        lengths: Number of pieces of each sequence, `(sequences,)`.
        keys: A key for every sequence, `(sequences,)`.
        masking: How to choose.
        table: The vocabulary.

    Returns:
        The masked sequences.
    """
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    key = keys[sequence]
    chosen = _choose_units(ids, sequence, place, key, lengths, masking=masking, table=table)
    rows = np.flatnonzero(chosen)
    key, place = key[rows], place[rows]
    fate = uniform(key, place, _FATE)
    others = table.ordinary[(uniform(key, place, _OTHER) * len(table.ordinary)).astype(np.int64)]
    hidden = np.where(fate < masking.masked + masking.replaced, others, ids[rows])
    seen = ids.copy()
    seen[rows] = np.where(fate < masking.masked, table.mask_token_id, hidden)
    return MaskedSequences(
        ids=seen,
        lengths=lengths,
        rows=rows,
        originals=ids[rows],
        noise=uniform(key, place, _SAMPLE),
    )


def _choose_units(
    ids: Ints,
    sequence: Ints,
    place: Ints,
    key: UInt64s,
    lengths: Ints,
    *,
    masking: Masking,
    table: PieceTable,
) -> Bools:
    """Whether a piece is chosen, `(total_pieces,)`."""
    special = table.special[ids]
    starts = np.arange(len(ids))
    if masking.whole_words:
        starts = np.flatnonzero(_word_starts(ids, special, place, table))
    starts = _gram_starts(starts, special, place, key, masking.max_ngram)
    sizes = np.diff(np.append(starts, len(ids)))
    text = ~special[starts]
    taken = np.zeros(len(starts), np.bool_)
    units = starts[text]
    taken[text] = _take(
        sequence[units],
        share=masking.probability,
        order=uniform(key[units], place[units], _ORDER),
        rounding=uniform(key[np.cumsum(lengths) - lengths], _TAKE),
    )
    return np.repeat(taken, sizes)


def _word_starts(ids: Ints, special: Bools, place: Ints, table: PieceTable) -> Bools:
    alone = special | table.punctuation[ids]
    after = np.append(True, alone[:-1])
    starts = table.starts_word[ids] | alone | after | (place == 0)
    first = np.flatnonzero(starts)
    within = np.arange(len(ids)) - np.repeat(first, np.diff(np.append(first, len(ids))))
    return starts | (within % _LONGEST_WORD == 0)


def _gram_starts(words: Ints, special: Bools, place: Ints, key: UInt64s, longest: int) -> Ints:
    """Starts of the n-grams of words that start at `words`; a special token is its own n-gram.

    The lengths of the n-grams are sampled in sequence, up to the end of a run of words.
    """
    if longest == 1 or not len(words):
        return words
    alone = special[words]
    # A run is the words between special tokens, or a single special token.
    begins = alone | np.append(True, alone[:-1]) | (place[words] == 0)
    firsts = np.flatnonzero(begins)
    lengths = np.diff(np.append(firsts, len(words)))
    number = np.arange(len(words)) - np.repeat(firsts, lengths)
    run_place = np.repeat(place[words[firsts]], lengths)
    sizes = 1 + np.searchsorted(
        _cumulative_probabilities(longest),
        uniform(key[words], run_place, number, _GRAM),
        side="right",
    )
    before = np.cumsum(sizes) - sizes
    offset = before - np.repeat(before[firsts], lengths)
    starts = np.repeat(firsts, lengths) + offset
    return words[starts[offset < np.repeat(lengths, lengths)]]


def _cumulative_probabilities(longest: int) -> NDArray[np.float64]:
    weights = 1 / np.arange(1, longest + 1)
    return np.cumsum(weights / weights.sum())[:-1]


def _take(
    sequence: Ints,
    *,
    share: float,
    order: NDArray[np.float64],
    rounding: NDArray[np.float64],
) -> Bools:
    """Take the same share of the units of every sequence, in a random order.

    The number of units is rounded up or down at random, so the share is exact on average and every
    unit has the same probability, however short the sequence.

    Args:
        sequence: The sequence of each unit, ascending, `(units,)`.
        share: Share of the units to take.
        order: Uniform in [0, 1) for each unit, `(units,)`.
        rounding: Uniform in [0, 1) for each sequence, `(sequences,)`.
    """
    ranked = np.lexsort((order, sequence))
    rank = np.arange(len(sequence)) - np.searchsorted(sequence, sequence, side="left")
    counts = np.bincount(sequence, minlength=len(rounding))
    wanted = np.floor(share * counts + rounding)
    taken = np.zeros(len(sequence), np.bool_)
    taken[ranked] = rank < wanted[sequence]
    return taken

"""Units, which get one label each: tokens or pieces, with their character offsets."""

from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Array, Ints, cumulative, expand_ranges
from spacy_deberta.layers import DocPieces, token_offsets

# The names of Hugging Face's `TokenClassificationPipeline`.
AGGREGATION_STRATEGIES = ("first", "average", "max", "simple")


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a batch of documents, in the order of the text.

    Attributes:
        pieces: The rows of the units' pieces in the batch, packed, `(sum of lengths,)`.
        lengths: Number of pieces of each unit, at least 1, `(units,)`.
        first_tokens: First token of the document that a unit shares a piece with, `(units,)`.
        end_tokens: The token after the last such token, `(units,)`.
        starts: Start offset of each unit in characters, `(units,)`.
        ends: End offset of each unit in characters, `(units,)`.
        cu_units: Document `i` has the units `cu_units[i]:cu_units[i + 1]`, `(docs + 1,)`.
    """

    pieces: Ints
    lengths: Ints
    first_tokens: Ints
    end_tokens: Ints
    starts: Ints
    ends: Ints
    cu_units: Ints

    @property
    def cu_pieces(self) -> Ints:
        """Unit `i` has the pieces `pieces[cu_pieces[i]:cu_pieces[i + 1]]`, `(units + 1,)`."""
        return cumulative(self.lengths)


@dataclass(frozen=True, eq=False)
class UnitScores:
    """The scores of a batch of documents.

    Attributes:
        units: Tokens or pieces.
        probabilities: Probability of each label for each unit, `(units, labels)`, float32.
        lost: Number of pieces with the label of an entity in units without one.
    """

    units: Units
    probabilities: np.ndarray
    lost: int = 0


def find_units(doc_pieces: DocPieces, aggregation_strategy: str) -> Units:
    """Find the units of documents.

    Args:
        doc_pieces: The documents and their pieces.
        aggregation_strategy: With "simple" each piece is a unit; otherwise each token.

    Returns:
        The units. Tokens without a piece are in no unit.
    """
    if aggregation_strategy == "simple":
        return _piece_units(doc_pieces)
    return _token_units(doc_pieces)


def source_pieces(units: Units, aggregation_strategy: str) -> tuple[Ints, Ints]:
    """The pieces that determine the label of a unit: its first, or all of them.

    Args:
        units: The units.
        aggregation_strategy: With "first", only the first piece of a unit counts.

    Returns:
        Rows of pieces in the batch, and the unit of each, `(source_pieces,)` both.
    """
    if aggregation_strategy == "first":
        return units.pieces[units.cu_pieces[:-1]], np.arange(len(units.lengths), dtype=np.int64)
    return units.pieces, np.repeat(np.arange(len(units.lengths), dtype=np.int64), units.lengths)


def unit_probabilities(probabilities: Array, units: Units, aggregation_strategy: str) -> Array:
    """Aggregate the distributions of pieces to one for each unit.

    Args:
        probabilities: Probability of each label for each piece of the batch, `(pieces, labels)`.
        units: The units.
        aggregation_strategy: "average" takes the mean, "max" the distribution of the piece with the
            highest probability, "first" and "simple" that of the first piece.

    Returns:
        `(units, labels)`.
    """
    firsts = units.cu_pieces[:-1]
    if aggregation_strategy == "average":
        sums = np.add.reduceat(probabilities[units.pieces], firsts, axis=0)
        return sums / units.lengths[:, None].astype(probabilities.dtype)
    if aggregation_strategy == "max":
        confidence = probabilities[units.pieces].max(axis=1)
        unit_of_piece = np.repeat(np.arange(len(units.lengths)), units.lengths)
        # Stable, so that the first of several equal pieces counts.
        order = np.lexsort((-confidence, unit_of_piece))
        return probabilities[units.pieces[order[firsts]]]
    return probabilities[units.pieces[firsts]]


def count_lost(probabilities: Array, of_units: Array, units: Units, *, outside: int) -> int:
    """Count the pieces whose label the strategy ignores, so that an entity may be lost.

    Args:
        probabilities: Probability of each label for each piece of the batch, `(pieces, labels)`.
        of_units: Probability of each label for each unit, `(units, labels)`.
        units: The units.
        outside: Index of the label outside of entities.

    Returns:
        Number of pieces with another label in units with this one.
    """
    labelled = probabilities[units.pieces].argmax(1) != outside
    without_label = np.repeat(of_units.argmax(1) == outside, units.lengths)
    return int((labelled & without_label).sum())


def _token_units(doc_pieces: DocPieces) -> Units:
    """Units of tokens. Tokens with the same first piece get one label, so they are one unit."""
    token_starts, token_ends, _ = token_offsets(doc_pieces.docs)
    tokens = np.flatnonzero(doc_pieces.aligned_lengths > 0)
    cu_aligned = cumulative(doc_pieces.aligned_lengths)
    first_pieces = doc_pieces.aligned[cu_aligned[tokens]]
    is_first = np.ones(len(tokens), dtype=bool)
    is_first[1:] = first_pieces[1:] != first_pieces[:-1]
    is_last = np.ones(len(tokens), dtype=bool)
    is_last[:-1] = is_first[1:]
    firsts, lasts = tokens[is_first], tokens[is_last]

    covering = np.unique(doc_pieces.aligned)
    begin = np.searchsorted(covering, doc_pieces.aligned[cu_aligned[firsts]])
    end = np.searchsorted(covering, doc_pieces.aligned[cu_aligned[lasts + 1] - 1]) + 1
    docs = np.searchsorted(doc_pieces.cu_tokens, firsts, side="right") - 1
    return Units(
        pieces=covering[expand_ranges(begin, end - begin)],
        lengths=end - begin,
        first_tokens=firsts - doc_pieces.cu_tokens[docs],
        end_tokens=lasts + 1 - doc_pieces.cu_tokens[docs],
        starts=token_starts[firsts],
        ends=token_ends[lasts],
        cu_units=_boundaries(docs, len(doc_pieces.docs)),
    )


def _piece_units(doc_pieces: DocPieces) -> Units:
    """Units of the pieces that cover a token."""
    pieces = doc_pieces.pieces
    covering = np.unique(doc_pieces.aligned)
    tokens = np.repeat(
        np.arange(len(doc_pieces.aligned_lengths), dtype=np.int64), doc_pieces.aligned_lengths
    )
    first_tokens, last_tokens = np.zeros((2, len(pieces.ids)), dtype=np.int64)
    # If a piece covers several tokens, the last assignment wins.
    first_tokens[doc_pieces.aligned[::-1]] = tokens[::-1]
    last_tokens[doc_pieces.aligned] = tokens
    docs = np.searchsorted(pieces.cu_pieces, covering, side="right") - 1
    return Units(
        pieces=covering,
        lengths=np.ones_like(covering),
        first_tokens=first_tokens[covering] - doc_pieces.cu_tokens[docs],
        end_tokens=last_tokens[covering] + 1 - doc_pieces.cu_tokens[docs],
        starts=pieces.starts[covering],
        ends=pieces.ends[covering],
        cu_units=_boundaries(docs, len(doc_pieces.docs)),
    )


def _boundaries(docs: Ints, count: int) -> Ints:
    return cumulative(np.bincount(docs, minlength=count))

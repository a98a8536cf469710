"""What gets one label each: tokens, or pieces, with the characters that they stand for."""

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
        pieces: For every unit in turn, the rows of its pieces in the batch,
            `(sum of lengths,)`.
        lengths: How many pieces each unit has, at least 1, `(units,)`.
        first_tokens: The first token of its document that it shares a piece with, `(units,)`.
        end_tokens: The one after the last, `(units,)`.
        starts: Its first character in the document's text, `(units,)`.
        ends: The character after its last, `(units,)`.
        cu_units: Document `i` has the units from `cu_units[i]` to `cu_units[i + 1]`,
            `(docs + 1,)`.
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
        """Unit `i` has the `pieces` from `cu_pieces[i]` to `cu_pieces[i + 1]`, `(units + 1,)`."""
        return cumulative(self.lengths)


@dataclass(frozen=True, eq=False)
class UnitScores:
    """What a batch of documents gets its labels from.

    Attributes:
        units: Tokens or pieces.
        probabilities: Of each label for each unit, `(units, labels)`, float32.
        unread: How many pieces have a label of an entity though their unit has none.
    """

    units: Units
    probabilities: np.ndarray
    unread: int = 0


def find_units(doc_pieces: DocPieces, aggregation_strategy: str) -> Units:
    """Find the units that get one label each.

    Args:
        doc_pieces: The documents and their pieces.
        aggregation_strategy: With "simple" each piece is a unit; otherwise each token.

    Returns:
        The units. Tokens without a piece are in no unit.
    """
    if aggregation_strategy == "simple":
        return _piece_units(doc_pieces)
    return _token_units(doc_pieces)


def pieces_read(units: Units, aggregation_strategy: str) -> tuple[Ints, Ints]:
    """The pieces that the label of a unit is read from: its first, or all of them.

    Args:
        units: The units.
        aggregation_strategy: With "first", all pieces of a unit but the first are passed over.

    Returns:
        Rows of pieces in the batch, and the unit of each, `(pieces_read,)` both.
    """
    if aggregation_strategy == "first":
        return units.pieces[units.cu_pieces[:-1]], np.arange(len(units.lengths), dtype=np.int64)
    return units.pieces, np.repeat(np.arange(len(units.lengths), dtype=np.int64), units.lengths)


def unit_probabilities(probabilities: Array, units: Units, aggregation_strategy: str) -> Array:
    """Make one distribution for each unit from those of its pieces.

    Args:
        probabilities: Of each label for each piece of the batch, `(pieces, labels)`.
        units: The units.
        aggregation_strategy: "average" takes the mean, "max" the distribution of the piece that
            is surest of its label, "first" and "simple" that of the first piece.

    Returns:
        `(units, labels)`.
    """
    firsts = units.cu_pieces[:-1]
    if aggregation_strategy == "average":
        sums = np.add.reduceat(probabilities[units.pieces], firsts, axis=0)
        return sums / units.lengths[:, None].astype(probabilities.dtype)
    if aggregation_strategy == "max":
        surest = probabilities[units.pieces].max(axis=1)
        unit_of_piece = np.repeat(np.arange(len(units.lengths)), units.lengths)
        # Stable, so that of equally sure pieces the first one counts.
        order = np.lexsort((-surest, unit_of_piece))
        return probabilities[units.pieces[order[firsts]]]
    return probabilities[units.pieces[firsts]]


def count_unread(probabilities: Array, of_units: Array, units: Units, *, outside: int) -> int:
    """Count the pieces whose label the strategy passes over, so that an entity may be lost.

    Args:
        probabilities: Of each label for each piece of the batch, `(pieces, labels)`.
        of_units: Of each label for each unit, `(units, labels)`.
        units: The units.
        outside: The label of what is in no entity.

    Returns:
        How many pieces have another label while their unit has this one.
    """
    labelled = probabilities[units.pieces].argmax(1) != outside
    without_label = np.repeat(of_units.argmax(1) == outside, units.lengths)
    return int((labelled & without_label).sum())


def _token_units(doc_pieces: DocPieces) -> Units:
    """Tokens; those whose first pieces are the same, which can't be told apart, are one unit."""
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
    """Pieces that cover a token."""
    pieces = doc_pieces.pieces
    covering = np.unique(doc_pieces.aligned)
    tokens = np.repeat(
        np.arange(len(doc_pieces.aligned_lengths), dtype=np.int64), doc_pieces.aligned_lengths
    )
    first_tokens, last_tokens = np.zeros((2, len(pieces.ids)), dtype=np.int64)
    # Where a piece covers several tokens, the last assignment stays.
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

"""Sequences for the encoder: texts between special tokens, alone or in pairs, packed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.tokenization import DebertaV2Tokenizer, Pieces

# `[CLS] text [SEP]`, and `[CLS] text [SEP] text [SEP]`.
N_SPECIAL_TOKENS = 2
N_SPECIAL_TOKENS_PAIR = 3


@dataclass(frozen=True, eq=False)
class Sequences:
    """The input of an encoder: packed ids, `[CLS]` and `[SEP]` included.

    Attributes:
        input_ids: Ids of all sequences, packed, `(rows,)`.
        lengths: Number of rows of each sequence, `(sequences,)`.
        token_type_ids: 0 for the first text of a pair and 1 for the second, `(rows,)`; None for 0
            everywhere. Most checkpoints ignore it.
        decoded: Rows that a masked language model decodes, ascending, `(decoded_rows,)`; None for
            all.
        sources: Row of the sequences that each row of the encoder's output is gathered from, none
            twice, or -1 for zeros, `(output_rows,)`; None for all rows in their order.
    """

    input_ids: Ints
    lengths: Ints
    token_type_ids: Ints | None = None
    decoded: Ints | None = None
    sources: Ints | None = None

    @property
    def cu_rows(self) -> Ints:
        """Sequence `i` has the rows from `cu_rows[i]` to `cu_rows[i + 1]`, `(sequences + 1,)`."""
        return cumulative(self.lengths)


@dataclass(frozen=True, eq=False)
class PieceRanges:
    """Ranges of pieces: whole texts, or windows of them.

    Attributes:
        ids: Ids of the pieces of all texts, `(pieces,)`.
        texts: The text of each range, `(ranges,)`.
        starts: First piece of each range, an index into `ids`, `(ranges,)`.
        lengths: Number of pieces of each range, `(ranges,)`.
    """

    ids: Ints
    texts: Ints
    starts: Ints
    lengths: Ints

    @classmethod
    def whole(cls, pieces: Pieces) -> "PieceRanges":
        """One range for each text."""
        return cls(
            ids=pieces.ids,
            texts=np.arange(len(pieces), dtype=np.int64),
            starts=pieces.cu_pieces[:-1],
            lengths=np.diff(pieces.cu_pieces),
        )

    def take(self, ranges: Ints) -> "PieceRanges":
        """The ranges at these indices, in their order; an index may occur several times."""
        return PieceRanges(self.ids, self.texts[ranges], self.starts[ranges], self.lengths[ranges])

    def split(self, *, window: Ints | int, overlap: int) -> tuple["PieceRanges", Ints]:
        """Split ranges that are too long into windows.

        Args:
            window: Maximum number of pieces of a window, for all ranges or for each, `(ranges,)`;
                at least 1.
            overlap: Minimum number of pieces that neighbouring windows share, at most half of the
                window.

        Returns:
            The windows, and the range of each of them, `(windows,)`.
        """
        limits = np.broadcast_to(np.asarray(window, dtype=np.int64), self.starts.shape)
        ranges, starts, lengths = split_ranges(
            self.starts, self.lengths, window=limits, overlap=np.minimum(overlap, limits // 2)
        )
        return PieceRanges(self.ids, self.texts[ranges], starts, lengths), ranges


def split_ranges(
    starts: Ints, lengths: Ints, *, window: Ints | int, overlap: Ints | int
) -> tuple[Ints, Ints, Ints]:
    """Split ranges of pieces into the minimum number of windows of even length.

    Args:
        starts: First piece of each range, `(ranges,)`.
        lengths: Number of pieces of each range, `(ranges,)`.
        window: Maximum number of pieces of a window, for all ranges or for each, `(ranges,)`.
        overlap: Minimum number of pieces that neighbouring windows share, less than the window.

    Returns:
        Range, first piece and length of each window, `(windows,)` each. A range that fits, also an
        empty one, is one window.
    """
    counts: Ints = np.where(lengths <= window, 1, -(-(lengths - overlap) // (window - overlap)))
    # Even windows, because a short last window would have less context.
    window_lengths: Ints = -(-(lengths + (counts - 1) * overlap) // counts)
    index = expand_ranges(np.zeros_like(counts), counts)
    slack = np.repeat(lengths - window_lengths, counts)
    shifts = index * slack // np.repeat(np.maximum(counts - 1, 1), counts)
    ranges = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return ranges, starts[ranges] + shifts, window_lengths[ranges]


@dataclass(frozen=True, eq=False)
class JoinedSequences:
    """Sequences, and where their texts start in them.

    Attributes:
        sequences: The sequences, packed.
        first: Row of the first piece of each sequence's first text, `(sequences,)`.
        second: The same for the second text of pairs; None where there are no pairs.
    """

    sequences: Sequences
    first: Ints
    second: Ints | None


def join_sequences(
    tokenizer: DebertaV2Tokenizer, first: PieceRanges, second: PieceRanges | None = None
) -> JoinedSequences:
    """Add special tokens to texts: `[CLS] first [SEP]`, or `[CLS] first [SEP] second [SEP]`.

    Args:
        tokenizer: Has the ids of the special tokens.
        first: One range for each sequence.
        second: The second text of each pair, one range for each sequence.

    Returns:
        The sequences in the order of the ranges.

    Source:
        `build_inputs_with_special_tokens` of Hugging Face's `DebertaV2Tokenizer`.
    """
    pair_lengths = 0 if second is None else second.lengths + 1
    lengths = first.lengths + 2 + pair_lengths
    cu_rows = cumulative(lengths)
    input_ids = np.full(int(cu_rows[-1]), tokenizer.sep_token_id, dtype=np.int64)
    input_ids[cu_rows[:-1]] = tokenizer.cls_token_id
    first_starts = cu_rows[:-1] + 1
    _put(input_ids, first_starts, first)
    if second is None:
        return JoinedSequences(Sequences(input_ids, lengths), first_starts, None)
    second_starts = first_starts + first.lengths + 1
    _put(input_ids, second_starts, second)
    token_type_ids = np.zeros_like(input_ids)
    token_type_ids[expand_ranges(second_starts, second.lengths + 1)] = 1
    return JoinedSequences(
        Sequences(input_ids, lengths, token_type_ids=token_type_ids), first_starts, second_starts
    )


def encode_texts(tokenizer: DebertaV2Tokenizer, texts: Sequence[str]) -> PieceRanges:
    """The pieces of texts, one range for each, in one call of the tokenizer."""
    return PieceRanges.whole(tokenizer.encode_batch(list(texts)))


def _put(input_ids: Ints, rows: Ints, ranges: PieceRanges) -> None:
    input_ids[expand_ranges(rows, ranges.lengths)] = ranges.ids[
        expand_ranges(ranges.starts, ranges.lengths)
    ]

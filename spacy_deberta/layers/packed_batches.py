"""Dividing sequences into sub-batches of bounded size, so that no text is too long for memory."""

from dataclasses import dataclass

import numpy as np
import torch

from spacy_deberta.arrays import Ints, cumulative, expand_ranges

from .sequences import Sequences


@dataclass(frozen=True, eq=False)
class PackedBatch:
    """Sequences that go through the encoder together.

    Attributes:
        input_ids: Their ids, packed, `(total_pieces,)`, int64.
        lengths: Rows of each sequence.
        rows: The rows of the whole that they are, `(total_pieces,)`, int64.
        sequences: Which sequences of the whole they are, `(sequences,)`, int64.
        token_type_ids: `(total_pieces,)`, int64, or None for 0 everywhere.
        decoded: Rows of this batch that a masked language model is asked for, `(decoded_rows,)`,
            int64; None for all.
    """

    input_ids: torch.Tensor
    lengths: tuple[int, ...]
    rows: torch.Tensor
    sequences: torch.Tensor
    token_type_ids: torch.Tensor | None
    decoded: torch.Tensor | None


def split_batches(sequences: Sequences, *, max_pieces: int) -> list[PackedBatch]:
    """Divide sequences into sub-batches.

    Args:
        sequences: The sequences, packed.
        max_pieces: Most rows in a sub-batch; a sequence that is longer by itself goes alone.

    Returns:
        One sub-batch with the sequences in their order if they fit; otherwise several, sequences
        of similar length together. Never an empty list.
    """
    groups = group_by_length(sequences.lengths, max_pieces=max_pieces)
    return [_batch(sequences, group) for group in groups]


def group_by_length(lengths: Ints, *, max_pieces: int) -> list[Ints]:
    """Say which sequences go through the encoder together.

    Args:
        lengths: Rows of each sequence, `(sequences,)`.
        max_pieces: Most rows in a group; a sequence that is longer by itself is alone.

    Returns:
        The sequences of each group: all in their order if they fit, otherwise those of similar
        length together. Never an empty list.
    """
    if int(lengths.sum()) <= max_pieces:
        return [np.arange(len(lengths))]
    order = np.argsort(lengths, kind="stable")
    groups = []
    start = size = 0
    for position, length in enumerate(lengths[order].tolist()):
        if position > start and size + length > max_pieces:
            groups.append(order[start:position])
            start, size = position, 0
        size += length
    groups.append(order[start:])
    return groups


def _batch(whole: Sequences, chosen: Ints) -> PackedBatch:
    rows = expand_ranges(cumulative(whole.lengths)[chosen], whole.lengths[chosen])
    types, decoded = whole.token_type_ids, None
    if whole.decoded is not None:
        decoded = torch.from_numpy(np.flatnonzero(np.isin(rows, whole.decoded)))
    return PackedBatch(
        input_ids=torch.from_numpy(whole.input_ids[rows]),
        lengths=tuple(whole.lengths[chosen].tolist()),
        rows=torch.from_numpy(rows),
        sequences=torch.from_numpy(chosen),
        token_type_ids=None if types is None else torch.from_numpy(types[rows]),
        decoded=decoded,
    )

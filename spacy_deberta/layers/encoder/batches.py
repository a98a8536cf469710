"""The plan of a prediction or an update: sub-batches, and where the output of each one goes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.layers.sequences import Sequences

# What a module gives one row of output for.
OutputUnit = Literal["pieces", "sequences", "masks"]


@dataclass(frozen=True, eq=False)
class EncoderBatch:
    """Sequences that go through the encoder together.

    Attributes:
        input_ids: Their ids, packed, `(total_pieces,)`, int64.
        lengths: Rows of each sequence.
        sequences: Which sequences of the whole they are, `(sequences,)`, int64.
        token_type_ids: `(total_pieces,)`, int64, or None for 0 everywhere.
        decoded: Rows of this batch that a masked language model is asked for, `(decoded_rows,)`,
            int64; None for all.
        kept: Rows of the module's output that are wanted, int64; None for all.
        targets: The row of the whole output that each of them is, int64; None if they are the whole
            output in its order.
    """

    input_ids: torch.Tensor
    lengths: tuple[int, ...]
    sequences: torch.Tensor
    token_type_ids: torch.Tensor | None
    decoded: torch.Tensor | None
    kept: torch.Tensor | None
    targets: torch.Tensor | None


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """Sub-batches, and the output that is put together from theirs.

    Attributes:
        batches: At least one.
        size: Rows of the whole output; those that no sub-batch gives are zero.
    """

    batches: tuple[EncoderBatch, ...]
    size: int


def plan_batches(sequences: Sequences, *, unit: OutputUnit, max_pieces: int) -> BatchPlan:
    """Divide sequences into sub-batches of bounded size, so that no text is too long for memory.

    Args:
        sequences: The sequences, packed: windows of documents, or what a head is asked about.
        unit: What the module gives one row of output for: pieces, special tokens included,
            sequences, or the pieces of `Sequences.decoded`.
        max_pieces: Maximum number of rows in a sub-batch; a sequence that is longer by itself goes
            alone.

    Returns:
        One sub-batch with the sequences in their order if they fit; otherwise several, sequences
        of similar length together.
    """
    targets, size = _targets(sequences, unit)
    groups = _group_by_length(sequences.lengths, max_pieces=max_pieces)
    batches = tuple(_batch(sequences, group, unit, targets, size) for group in groups)
    return BatchPlan(batches=batches, size=size)


def _group_by_length(lengths: Ints, *, max_pieces: int) -> list[Ints]:
    """The sequences of each group: all in their order if they fit. Never an empty list."""
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


def _targets(sequences: Sequences, unit: OutputUnit) -> tuple[Ints, int]:
    """Where the output for each row, or each sequence, goes, or -1; and how many rows there are."""
    rows = len(sequences.input_ids)
    if unit == "sequences":
        return np.arange(len(sequences.lengths)), len(sequences.lengths)
    sources = sequences.decoded if unit == "masks" else sequences.sources
    if sources is None:
        return np.arange(rows), rows
    targets = np.full(rows, -1, dtype=np.int64)
    read = np.flatnonzero(sources >= 0)
    targets[sources[read]] = read
    return targets, len(sources)


def _batch(
    whole: Sequences, chosen: Ints, unit: OutputUnit, all_targets: Ints, size: int
) -> EncoderBatch:
    rows = expand_ranges(cumulative(whole.lengths)[chosen], whole.lengths[chosen])
    types, decoded = whole.token_type_ids, None
    if whole.decoded is not None:
        decoded = np.flatnonzero(np.isin(rows, whole.decoded))
    if unit == "sequences":
        targets = all_targets[chosen]
    else:
        targets = all_targets[rows if decoded is None else rows[decoded]]
    wanted = np.flatnonzero(targets >= 0)
    kept = None
    if len(wanted) < len(targets):
        kept, targets = torch.from_numpy(wanted), targets[wanted]
    is_whole = kept is None and len(targets) == size and bool((targets == np.arange(size)).all())
    return EncoderBatch(
        input_ids=torch.from_numpy(whole.input_ids[rows]),
        lengths=tuple(whole.lengths[chosen].tolist()),
        sequences=torch.from_numpy(chosen),
        token_type_ids=None if types is None else torch.from_numpy(types[rows]),
        decoded=None if decoded is None else torch.from_numpy(decoded),
        kept=kept,
        targets=None if is_whole else torch.from_numpy(targets),
    )

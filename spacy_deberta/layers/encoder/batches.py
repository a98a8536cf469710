"""Plan what the encoder runs: windows of documents, sub-batches, and where their output goes."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.layers.documents.alignment import DocPieces
from spacy_deberta.layers.documents.windows import (
    DocWindows,
    PieceWindows,
    SpanGetter,
    cut_windows,
)
from spacy_deberta.layers.sequences import Sequences

# Copying a range takes as long as indexing about this many rows.
_ROWS_OF_A_RUN = 16
# The unit of each output row of a module.
OutputUnit = Literal["pieces", "sequences", "masks"]


@dataclass(frozen=True, eq=False)
class EncoderBatch:
    """A sub-batch of sequences.

    Attributes:
        input_ids: Their ids, packed, `(total_pieces,)`, int64.
        lengths: Number of rows of each sequence.
        sequences: Indices of the sequences in the whole batch, `(sequences,)`, int64.
        token_type_ids: `(total_pieces,)`, int64, or None for 0 everywhere.
        decoded: Rows of this sub-batch that a masked language model decodes, `(decoded_rows,)`,
            int64; None for all.
        kept: Rows of the module's output to keep, int64; None for all.
        targets: Row of each kept row in the whole output, int64; None if the kept rows are the
            whole output in its order.
        runs: The kept rows as ranges, if there are much fewer of them: first row in the output,
            first row in the whole output, and number of rows; None if there are not.
        views: Index, first and last row plus one of sequences whose rows are views of the module's
            output, and no part of the whole output.
    """

    input_ids: torch.Tensor
    lengths: tuple[int, ...]
    sequences: torch.Tensor
    token_type_ids: torch.Tensor | None
    decoded: torch.Tensor | None
    kept: torch.Tensor | None
    targets: torch.Tensor | None
    runs: tuple[tuple[int, int, int], ...] | None = None
    views: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """Sub-batches, and the size of their joined output.

    Attributes:
        batches: At least one.
        size: Number of rows of the whole output.
        zeros: Rows of the whole output that no sub-batch writes, int64; they are zero.
    """

    batches: tuple[EncoderBatch, ...]
    size: int
    zeros: torch.Tensor


def plan_batches(
    doc_pieces: DocPieces,
    get_spans: PieceWindows | SpanGetter,
    *,
    cls_id: int,
    sep_id: int,
    max_window: int,
    max_pieces: int,
    keep_views: bool = False,
) -> tuple[DocWindows, BatchPlan]:
    """Plan how the encoder reads documents: their windows, and the sub-batches of these.

    Args:
        doc_pieces: The documents and their pieces.
        get_spans: Windows over pieces, or a span getter; see `cut_windows`.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        max_window: Maximum number of pieces of the text in a window made from a span.
        max_pieces: As in `batch_sequences`.
        keep_views: Whether documents that are one window are views of the output of their
            sub-batch. Copying their rows takes longer than tokenizing them.

    Returns:
        The windows, which map documents to rows, and the sub-batches that compute these rows.
    """
    windows = cut_windows(
        doc_pieces, get_spans, cls_id=cls_id, sep_id=sep_id, max_pieces=max_window
    )
    sequences, views = windows.sequences, None
    if keep_views:
        views = windows.are_whole
        # A view keeps its whole sub-batch in memory: not for a few documents between longer ones.
        views &= 2 * windows.lengths[views].sum() >= windows.lengths.sum()
        is_view = np.zeros(len(windows.cu_rows) - 1, dtype=bool)
        is_view[windows.docs[views]] = True
        copied = windows.sources[np.repeat(~is_view, np.diff(windows.cu_rows))]
        sequences = replace(sequences, sources=copied)
    return windows, batch_sequences(sequences, unit="pieces", max_pieces=max_pieces, views=views)


def batch_sequences(
    sequences: Sequences,
    *,
    unit: OutputUnit,
    max_pieces: int,
    views: NDArray[np.bool_] | None = None,
) -> BatchPlan:
    """Split sequences into sub-batches of bounded size, which bounds the memory of long texts.

    Args:
        sequences: The sequences, packed: windows of documents, or the inputs of a head.
        unit: What each output row of the module stands for: pieces, special tokens included,
            sequences, or the pieces of `Sequences.decoded`.
        max_pieces: Maximum number of rows in a sub-batch; a single sequence may be longer.
        views: Whether the rows of each sequence are views of the module's output, `(sequences,)`;
            None for none. Their rows are not among the `sources`.

    Returns:
        One sub-batch with the sequences in their order if they fit; otherwise several, grouped by
        length.
    """
    targets, size, zeros = _targets(sequences, unit)
    groups = _group_by_length(sequences.lengths, max_pieces=max_pieces)
    batches = (_batch(sequences, group, unit, targets, size) for group in groups)
    if views is not None:
        batches = (_add_views(batch, views) for batch in batches)
    return BatchPlan(batches=tuple(batches), size=size, zeros=torch.from_numpy(zeros))


def _add_views(batch: EncoderBatch, views: NDArray[np.bool_]) -> EncoderBatch:
    chosen = batch.sequences.numpy()
    bounds = cumulative(np.array(batch.lengths, dtype=np.int64))
    ranges = np.stack([chosen, bounds[:-1], bounds[1:]], axis=1)[views[chosen]]
    return replace(batch, views=tuple((view[0], view[1], view[2]) for view in ranges.tolist()))


def _group_by_length(lengths: Ints, *, max_pieces: int) -> list[Ints]:
    """The sequences of each group: one group in their order if they fit. Never an empty list."""
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


def _targets(sequences: Sequences, unit: OutputUnit) -> tuple[Ints, int, Ints]:
    """Output row of each row or sequence, or -1; the number of output rows, and those of zeros."""
    rows, no_rows = len(sequences.input_ids), np.zeros(0, dtype=np.int64)
    if unit == "sequences":
        return np.arange(len(sequences.lengths)), len(sequences.lengths), no_rows
    sources = sequences.decoded if unit == "masks" else sequences.sources
    if sources is None:
        return np.arange(rows), rows, no_rows
    targets = np.full(rows, -1, dtype=np.int64)
    read = np.flatnonzero(sources >= 0)
    targets[sources[read]] = read
    return targets, len(sources), np.flatnonzero(sources < 0)


def _runs(kept: Ints, targets: Ints) -> tuple[tuple[int, int, int], ...] | None:
    """See `EncoderBatch.runs`."""
    breaks = np.flatnonzero((np.diff(kept) != 1) | (np.diff(targets) != 1)) + 1
    if _ROWS_OF_A_RUN * len(breaks) > len(kept):
        return None
    bounds = [0, *breaks.tolist(), len(kept)]
    ranges = ((start, end - start) for start, end in pairwise(bounds) if end > start)
    return tuple((int(kept[start]), int(targets[start]), length) for start, length in ranges)


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
        runs=None if is_whole else _runs(wanted, targets),
    )

"""Rows of windows → rows of documents, and back: each row is read from one window."""

from collections.abc import Callable

import numpy as np
from thinc.api import Model, Ops

from spacy_deberta.arrays import Array, cumulative, expand_ranges
from spacy_deberta.layers.packed_batches import group_by_length
from spacy_deberta.layers.sequences import Sequences

from .windows import WindowPlan

InT = tuple[list[Array], WindowPlan]
OutT = list[Array]


def doc_rows() -> Model[InT, OutT]:
    """Read the rows of documents from those of windows.

    From `(window_rows, width)` to `(doc_rows, width)`, for each layer that the encoder gives. Where
    windows overlap, the plan has chosen the one with the most context. Rows that come from no
    window are zero. The gradient is that of the last layer.
    """
    return Model("doc_rows", forward)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Select rows; the gradient goes back to the rows that were read."""
    layers, plan = X
    Y = _select(layers, plan, model.ops)
    if plan.keeps_rows:
        return Y, lambda dY: dY

    def backprop(dY: Array) -> Array:
        dX = model.ops.alloc2f(*layers[-1].shape)
        sources = model.ops.xp.asarray(plan.sources)
        # No row is read twice, so this needs no addition.
        dX[sources[sources >= 0]] = dY[sources >= 0]
        return dX

    return Y, backprop


def predict_doc_rows(
    encode: Model[Sequences, list[Array]], plan: WindowPlan, *, max_pieces: int
) -> list[Array]:
    """Encode windows a sub-batch at a time, and write each row to its place at once.

    No more is in memory than the rows of the documents and one sub-batch: the rows of all windows,
    with their overlaps, never are.

    Args:
        encode: The encoder, see `encoder_layer`.
        plan: The windows, and the rows that are read from them.
        max_pieces: Most rows of a sub-batch.

    Returns:
        What `doc_rows` gives.
    """
    groups = group_by_length(plan.lengths, max_pieces=max_pieces)
    if len(groups) == 1:
        return _select(encode.predict(plan.sequences), plan, encode.ops)
    xp = encode.ops.xp
    read = np.flatnonzero(plan.sources >= 0)
    places = np.full(len(plan.input_ids), -1, dtype=np.int64)
    places[plan.sources[read]] = read
    cu_rows = cumulative(plan.lengths)
    Y: list[Array] = []
    for windows in groups:
        window_rows = expand_ranges(cu_rows[windows], plan.lengths[windows])
        layers = encode.predict(Sequences(plan.input_ids[window_rows], plan.lengths[windows]))
        if not Y:
            Y = [xp.zeros((len(plan.sources), rows.shape[1]), dtype=rows.dtype) for rows in layers]
        targets = places[window_rows]
        kept = np.flatnonzero(targets >= 0)
        targets, kept = xp.asarray(targets[kept]), xp.asarray(kept)
        for all_rows, rows in zip(Y, layers, strict=True):
            all_rows[targets] = rows[kept]
    return Y


def _select(layers: list[Array], plan: WindowPlan, ops: Ops) -> list[Array]:
    if plan.keeps_rows:
        # A copy of all rows would cost more than all else between the documents and the encoder.
        return layers
    read = np.flatnonzero(plan.sources >= 0)
    places, sources = ops.xp.asarray(read), ops.xp.asarray(plan.sources[read])
    Y = []
    for rows in layers:
        selected = ops.xp.zeros((len(plan.sources), rows.shape[1]), dtype=rows.dtype)
        # There may be no row to read at all, if a span getter finds no spans.
        selected[places] = rows[sources]
        Y.append(selected)
    return Y

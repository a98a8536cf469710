"""Masks in texts as rows of sequences that a masked language model is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from thinc.api import Model

from spacy_deberta.arrays import Ints, expand_ranges
from spacy_deberta.layers import (
    PieceRanges,
    Sequences,
    get_tokenizer,
    join_sequences,
)
from spacy_deberta.pipeline.windows import Windows

# Most masks of a batch: a row of 128,100 scores for each of them is half a megabyte.
MAX_MASKS = 256


@dataclass(frozen=True, eq=False)
class MaskSequences:
    """Windows of texts, and the pieces that are asked for in them.

    Attributes:
        sequences: `[CLS] window [SEP]`, whose decoded rows are those of the pieces.
        pieces: The pieces, as indices into those of all texts, `(decoded_rows,)`.
    """

    sequences: Sequences
    pieces: Ints


def mask_sequences(
    model: Model, texts: PieceRanges, pieces: Ints, *, cutting: Windows
) -> Iterator[MaskSequences]:
    """Cut texts into windows, and ask for each piece in the window with the most context.

    Args:
        model: Made by `deberta_with_head`.
        texts: One run for each text.
        pieces: The pieces that are asked for, as indices into `texts.ids`, ascending.
        cutting: How long texts are cut.

    Yields:
        The windows in which something is asked, in batches of about `MAX_MASKS` pieces that are
        asked for; the pieces in their order.
    """
    windows, _ = texts.split(window=cutting.room, overlap=cutting.overlap)
    window_of_piece = _best_windows(windows, len(texts.ids))[pieces]
    used, window_of_piece = np.unique(window_of_piece, return_inverse=True)
    batch_of_window = np.searchsorted(window_of_piece, np.arange(len(used))) // MAX_MASKS
    for batch in np.unique(batch_of_window):
        chosen = np.flatnonzero(batch_of_window == batch)
        asked = batch_of_window[window_of_piece] == batch
        joined = join_sequences(get_tokenizer(model), windows.take(used[chosen]))
        window = window_of_piece[asked]
        inside = pieces[asked] - windows.starts[used[window]]
        rows = joined.first[window - chosen[0]] + inside
        yield MaskSequences(replace(joined.sequences, decoded=rows), pieces[asked])


def _best_windows(windows: PieceRanges, pieces: int) -> Ints:
    """For every piece the window that shows it the most context, `(pieces,)`."""
    window = np.repeat(np.arange(len(windows.starts), dtype=np.int64), windows.lengths)
    piece = expand_ranges(windows.starts, windows.lengths)
    inside = piece - windows.starts[window]
    context = np.minimum(inside, windows.lengths[window] - 1 - inside)
    best = np.zeros(pieces, dtype=np.int64)
    # Ascending by context, and the first window last: what is assigned last stays.
    order = np.lexsort((-window, context))
    best[piece[order]] = window[order]
    return best

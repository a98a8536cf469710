"""Windows around masks, as sequences for a masked language model."""

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

# Maximum number of masks of a batch: a row of 128,100 logits for each is half a megabyte.
MAX_MASKS = 256


@dataclass(frozen=True, eq=False)
class MaskSequences:
    """Windows of texts, and the masks to predict in them.

    Attributes:
        sequences: `[CLS] window [SEP]`; the decoded rows are those of the masks.
        pieces: The masks, as indices into the pieces of all texts, `(decoded_rows,)`.
    """

    sequences: Sequences
    pieces: Ints


def mask_sequences(
    model: Model, texts: PieceRanges, pieces: Ints, *, windows: Windows
) -> Iterator[MaskSequences]:
    """Split texts into windows, and assign each mask to the window with the most context.

    Args:
        model: A model of `deberta_with_head`.
        texts: One range of pieces for each text.
        pieces: The masks, as indices into `texts.ids`, ascending.
        windows: Size and overlap of windows.

    Yields:
        The windows with masks, in batches of about `MAX_MASKS` masks, in order.
    """
    ranges, _ = texts.split(window=windows.max_pieces, overlap=windows.overlap)
    window_of_piece = _best_windows(ranges, len(texts.ids))[pieces]
    used, window_of_piece = np.unique(window_of_piece, return_inverse=True)
    batch_of_window = np.searchsorted(window_of_piece, np.arange(len(used))) // MAX_MASKS
    for batch in np.unique(batch_of_window):
        chosen = np.flatnonzero(batch_of_window == batch)
        asked = batch_of_window[window_of_piece] == batch
        joined = join_sequences(get_tokenizer(model), ranges.take(used[chosen]))
        window = window_of_piece[asked]
        inside = pieces[asked] - ranges.starts[used[window]]
        rows = joined.first[window - chosen[0]] + inside
        yield MaskSequences(replace(joined.sequences, decoded=rows), pieces[asked])


def _best_windows(windows: PieceRanges, pieces: int) -> Ints:
    """For every piece the window with the most context, `(pieces,)`."""
    window = np.repeat(np.arange(len(windows.starts), dtype=np.int64), windows.lengths)
    piece = expand_ranges(windows.starts, windows.lengths)
    inside = piece - windows.starts[window]
    context = np.minimum(inside, windows.lengths[window] - 1 - inside)
    best = np.zeros(pieces, dtype=np.int64)
    # Ascending by context, and the first window last: the last assignment wins.
    order = np.lexsort((-window, context))
    best[piece[order]] = window[order]
    return best

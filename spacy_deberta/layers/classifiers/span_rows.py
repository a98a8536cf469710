"""Spans of documents → the rows of their tokens, in chunks of bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from thinc.types import Ragged
from thinc.util import to_numpy

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.errors import Errors


@dataclass(frozen=True)
class SpanRows:
    """Ranges of rows in the packed tokens of a batch, one for each span.

    Attributes:
        starts: Row of the first token of each span, `(spans,)`, int64.
        lengths: Number of tokens of each span, `(spans,)`, int64.
    """

    starts: Ints
    lengths: Ints

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, part: slice) -> "SpanRows":
        return SpanRows(self.starts[part], self.lengths[part])

    def indices(self) -> Ints:
        """Row indices of the tokens of all spans, concatenated, `(lengths.sum(),)`."""
        return expand_ranges(self.starts, self.lengths)


def find_span_rows(spans: Ragged, doc_lengths: Ints) -> SpanRows:
    """Find the rows of suggested spans.

    Args:
        spans: Output of a suggester: start and end of each span in tokens, `(spans, 2)`, and the
            number of spans of each document.
        doc_lengths: Number of tokens of each document, `(docs,)`.

    Raises:
        ValueError: A span is not inside its document, or has no tokens (E420).
    """
    # Without spans, a suggester's array has no columns.
    bounds = to_numpy(spans.dataXd).reshape(-1, 2).astype(np.int64)
    docs = np.repeat(np.arange(len(doc_lengths)), to_numpy(spans.lengths))
    starts, ends = bounds.T
    outside = np.flatnonzero((starts < 0) | (ends <= starts) | (ends > doc_lengths[docs]))
    if len(outside):
        first = outside[0]
        raise ValueError(
            Errors.E420.format(
                start=starts[first], end=ends[first], length=doc_lengths[docs[first]]
            )
        )
    return SpanRows(starts + cumulative(doc_lengths)[docs], ends - starts)


def split_spans(spans: SpanRows, *, max_rows: int) -> Iterator[slice]:
    """Split spans into consecutive chunks of at most `max_rows` rows.

    Args:
        spans: At least one.
        max_rows: Maximum number of rows of a chunk; a single span may be longer.
    """
    ends = np.cumsum(spans.lengths)
    start = done = 0
    while start < len(spans):
        stop = max(int(np.searchsorted(ends, done + max_rows, side="right")), start + 1)
        yield slice(start, stop)
        start, done = stop, int(ends[stop - 1])

"""Rows of tokens → a vector for each span, in bounded memory."""

from collections.abc import Callable
from contextlib import nullcontext

from thinc.api import Model
from thinc.types import Floats2d, Ragged

from spacy_deberta.arrays import Array

from .random_stream import draw_seed, random_stream
from .span_rows import SpanRows, split_spans


def reduce_spans(
    reducer: Model[Ragged, Floats2d],
    X: Floats2d,
    spans: SpanRows,
    is_train: bool,
    *,
    max_rows: int,
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """Reduce spans in chunks of bounded size.

    A reducer's input has a row for every token of every span. Spans overlap, so these may be many
    times the rows of the documents. If they are more than `max_rows`, only the reducer's output is
    kept, and the backward pass recomputes each chunk with the same dropout masks.

    Args:
        reducer: Reduces each sequence to one vector. A vector may depend only on its own sequence,
            the weights, and random numbers of NumPy, CuPy or PyTorch.
        X: The tokens of all documents, `(tokens, width)`.
        spans: At least one.
        is_train: Whether there will be a backward pass.
        max_rows: Maximum number of rows in the reducer at once.

    Returns:
        The vectors, `(spans, nO)`, and a callback from their gradient to the gradient of `X`.
    """
    ops = reducer.ops
    parts = list(split_spans(spans, max_rows=max_rows))
    if len(parts) == 1:
        Y, add_gradient = _reduce(reducer, X, spans, is_train)
        return Y, lambda dY: add_gradient(dY, ops.alloc2f(*X.shape))

    # Prediction draws no random numbers, and must not touch generators that other threads use.
    seed = draw_seed() if is_train else 0
    with random_stream(ops, seed) if is_train else nullcontext():
        Y = ops.xp.concatenate([_reduce(reducer, X, spans[part], is_train)[0] for part in parts])

    def backprop(dY: Floats2d) -> Floats2d:
        dX: Floats2d = ops.alloc2f(*X.shape)
        with random_stream(ops, seed):
            for part in parts:
                # In one expression, so that a part's activations are freed before the next part.
                _reduce(reducer, X, spans[part], True)[1](dY[part], dX)
        return dX

    return Y, backprop


def _reduce(
    reducer: Model[Ragged, Floats2d], X: Floats2d, spans: SpanRows, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d, Floats2d], Floats2d]]:
    """Reduce spans at once. The callback adds to the gradient of `X` in place."""
    ops = reducer.ops
    runs: Array = spans.indices()
    lengths: Array = spans.lengths
    indices = ops.asarray1i(runs)
    Y, backprop_reducer = reducer(Ragged(X[indices], ops.asarray1i(lengths)), is_train)

    def add_gradient(dY: Floats2d, dX: Floats2d) -> Floats2d:
        ops.scatter_add(dX, indices, backprop_reducer(dY).dataXd)
        return dX

    return Y, add_gradient

"""Documents and spans → a score for each label of each span, in bounded memory."""

from collections.abc import Callable
from functools import partial

from spacy.ml.models.spancat import build_spancat_model
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.layers.chain import init as init_chain
from thinc.types import Floats2d, Ragged
from thinc.util import to_numpy

from spacy_deberta.errors import check_number

from .reduce_spans import reduce_spans
from .span_rows import find_span_rows

InT = tuple[list[Doc], Ragged]
OutT = Floats2d


def span_categorizer(
    tok2vec: Model[list[Doc], list[Floats2d]],
    reducer: Model[Ragged, Floats2d],
    scorer: Model[Floats2d, Floats2d],
    *,
    max_batch_rows: int,
) -> Model[InT, OutT]:
    """Score spans like spaCy's own model, without the rows of all tokens of all spans at once.

    Args:
        tok2vec: Rows of tokens.
        reducer: Reduces each sequence of rows to one vector, independent of the others.
        scorer: Scores of vectors.
        max_batch_rows: Maximum number of rows in the reducer at once.

    Returns:
        A model from documents and suggested spans to scores, `(spans, labels)`. Its layers are
        those of `spacy.SpanCategorizer.v1`, so that either loads the other's weights.
    """
    check_number("max_batch_rows", max_batch_rows, lambda n: n > 0, "above 0", whole=True)
    stock = build_spancat_model(tok2vec, reducer, scorer)
    return Model(
        "span_categorizer",
        # Not an attribute: those are saved with the model, and would override the config.
        partial(forward, max_batch_rows=max_batch_rows),
        init=init,
        layers=stock.layers,
        dims={"nO": scorer.maybe_get_dim("nO")},
        refs={"tok2vec": tok2vec, "reducer": reducer, "scorer": scorer},
    )


def forward(
    model: Model[InT, OutT], X: InT, is_train: bool, *, max_batch_rows: int
) -> tuple[OutT, Callable]:
    """Encode the documents, reduce the spans in chunks, and score them together."""
    # By position: references are lost when thinc copies a model. The unused layer has no weights;
    # it would gather all rows at once.
    encode, _, reducer, scorer = model.layers
    (tokens, spans), backprop_encode = encode(X, is_train)
    rows: Floats2d = tokens.dataXd
    found = find_span_rows(spans, to_numpy(tokens.lengths))
    if not len(found):
        Y: OutT = model.ops.alloc2f(0, model.maybe_get_dim("nO") or 0)
        dX = Ragged(model.ops.alloc2f(*rows.shape), tokens.lengths)
        return Y, lambda dY: backprop_encode((dX, spans))
    vectors, backprop_reduce = reduce_spans(reducer, rows, found, is_train, max_rows=max_batch_rows)
    scores, backprop_scorer = scorer(vectors, is_train)

    def backprop(dY: OutT) -> InT:
        dX = Ragged(backprop_reduce(backprop_scorer(dY)), tokens.lengths)
        return backprop_encode((dX, spans))

    return scores, backprop


def init(model: Model[InT, OutT], X: InT | None = None, Y: OutT | None = None) -> None:
    """Initialize each layer on the output of the one before it."""
    if X is not None and not X[1].lengths.sum():
        # Reducers reject empty input.
        spans = Ragged(model.ops.asarray2i([[0, 1]]), model.ops.asarray1i([1]))
        X = [Doc(Vocab(), words=["hello"])], spans
    init_chain(model, X, Y)

"""Architectures of spaCy's text classifiers and span categorizers, and of vectors."""

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, Ragged

from spacy_deberta.layers import (
    TransformerData,
    document_vectors,
    pooled_text_classifier,
    span_categorizer,
)


def pooled_text_classifier_v1(
    tok2vec: Model[list[Doc], list[TransformerData]],
    exclusive_classes: bool,
    pooling: str = "mean",
    hidden_size: int | None = None,
    dropout: float | None = None,
    grad_factor: float = 1.0,
    nO: int | None = None,  # noqa: N803 (what spaCy calls it)
) -> Model[list[Doc], Floats2d]:
    """Classify documents by pooled hidden states, for `textcat` and `textcat_multilabel`.

    tok2vec (Model[list[Doc], list[TransformerData]]): `spacy-deberta.DocumentListener.v1`, or
        `spacy-deberta.DocumentEncoder.v1` for an encoder of its own.
    exclusive_classes (bool): Whether each document has exactly one label: true for `textcat`, false
        for `textcat_multilabel`.
    pooling (str): "cls" reads the row of `[CLS]`, of the first window; "mean" averages the rows of
        all pieces of the document; "attention" weights them by a learned query.
    hidden_size (int | None): Width of a hidden layer before the output; null for none.
    dropout (float | None): Dropout of the classifier; null for that of `[training]`.
    grad_factor (float): Factor on the gradient of the encoder.
    nO (int | None): Number of labels; set from the data if null.
    RETURNS (Model[list[Doc], Floats2d]): The model.

    DOCS: docs/api/architectures.md#PooledTextClassifier
    """
    return pooled_text_classifier(
        tok2vec,
        pooling=pooling,
        exclusive_classes=exclusive_classes,
        hidden_size=hidden_size,
        dropout=dropout,
        grad_factor=grad_factor,
        nO=nO,
    )


def span_categorizer_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    reducer: Model[Ragged, Floats2d],
    scorer: Model[Floats2d, Floats2d],
    max_batch_rows: int = 4096,
) -> Model[tuple[list[Doc], Ragged], Floats2d]:
    """Score spans like `spacy.SpanCategorizer.v1`, in sub-batches that bound the memory.

    tok2vec (Model[list[Doc], list[Floats2d]]): Vectors of tokens, for example
        `spacy-deberta.TransformerListener.v1`.
    reducer (Model[Ragged, Floats2d]): Reduces the tokens of each span to one vector, for example
        `spacy.mean_max_reducer.v1`.
    scorer (Model[Floats2d, Floats2d]): Scores vectors: `spacy.LinearLogistic.v1` for `spancat`,
        `Softmax.v2` for `spancat_singlelabel`.
    max_batch_rows (int): Maximum number of tokens of spans in the reducer at once. If there are
        more, training recomputes the reduction of each span in the backward pass.
    RETURNS (Model[tuple[list[Doc], Ragged], Floats2d]): The model.

    DOCS: docs/api/architectures.md#SpanCategorizer
    """
    return span_categorizer(tok2vec, reducer, scorer, max_batch_rows=max_batch_rows)


def document_vectors_v1(
    tok2vec: Model[list[Doc], list[TransformerData]],
    pooling: str = "mean",
    over: str = "pieces",
    grad_factor: float = 1.0,
) -> Model[list[Doc], Floats2d]:
    """Pool hidden states into a vector for each document, for `deberta_vectors`.

    tok2vec (Model[list[Doc], list[TransformerData]]): `spacy-deberta.DocumentEncoder.v1`, or
        `spacy-deberta.DocumentListener.v1` for a shared encoder.
    pooling (str): "mean" or "max" of all rows, or "cls", the row of `[CLS]` of the first window.
    over (str): "pieces", or "tokens", each of which is the mean of its pieces.
    grad_factor (float): Factor on the gradient of the encoder.
    RETURNS (Model[list[Doc], Floats2d]): The model.

    DOCS: docs/api/architectures.md#DocumentVectors
    """
    return document_vectors(tok2vec, pooling=pooling, over=over, grad_factor=grad_factor)

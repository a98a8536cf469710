"""Docs → a score for each label: a classifier on the pooled rows of each document."""

from collections.abc import Callable
from functools import partial

from spacy.tokens import Doc
from thinc.api import (
    Dropout,
    Gelu,
    Linear,
    Logistic,
    Model,
    ParametricAttention,
    Softmax,
    chain,
    reduce_mean,
    reduce_sum,
    resizable,
)
from thinc.layers.resizable import resize_linear_weighted, resize_model
from thinc.types import Floats2d, Ragged

from spacy_deberta.errors import check_flag, check_number
from spacy_deberta.layers.listening.transformer_data import TransformerData
from spacy_deberta.layers.settings import check_choice

from .document_rows import document_rows
from .fixed_dropout import fixed_dropout
from .skip_empty import skip_empty

InT = list[Doc]
OutT = Floats2d

# A label that is added to a trained model starts with a low score, but not so low that its gradient
# vanishes. The other labels keep their scores, approximately where all scores sum to 1.
NEW_LABEL = {"W": 0.0, "b": -5.0}

# Rows of a document → one.
POOLING: dict[str, Callable[[], Model[Ragged, Floats2d]]] = {
    "cls": reduce_sum,  # of one row
    "mean": reduce_mean,
    "attention": lambda: chain(ParametricAttention(), reduce_sum()),
}


def pooled_text_classifier(
    tok2vec: Model[InT, list[TransformerData]],
    *,
    pooling: str,
    exclusive_classes: bool,
    hidden_size: int | None,
    dropout: float | None,
    grad_factor: float,
    nO: int | None,
) -> Model[InT, OutT]:
    """Classify documents by rows of an encoder, for spaCy's text categorizers.

    Args:
        tok2vec: Rows of documents, made by `document_listener` or `document_encoder`.
        pooling: One of `POOLING`.
        exclusive_classes: Whether scores sum to 1; otherwise each is independently from 0 to 1.
        hidden_size: Width of a layer between pooling and output; None for no such layer.
        dropout: Rate of dropout before each layer; None for the rate of `set_dropout_rate`.
        grad_factor: Factor on the gradient of the encoder.
        nO: Number of labels; None until they are known.

    Returns:
        A model from documents to scores, `(docs, labels)`, whose output layer can be resized.
    """
    check_flag("exclusive_classes", exclusive_classes)
    check_choice("pooling", pooling, tuple(POOLING))
    for name, size in {"hidden_size": hidden_size, "nO": nO}.items():
        if size is not None:
            check_number(name, size, lambda n: n > 0, "above 0, or null", whole=True)
    if dropout is not None:
        check_number("dropout", dropout, lambda x: 0 <= x < 1, "from 0 to below 1, or null")
    check_number("grad_factor", grad_factor, lambda x: x >= 0, "at least 0")
    layers: list[Model] = [
        tok2vec,
        document_rows(cls_only=pooling == "cls", grad_factor=grad_factor),
        skip_empty(POOLING[pooling]()),
        _dropout(dropout),
    ]
    if hidden_size is not None:
        layers += [Gelu(nO=hidden_size), _dropout(dropout)]
    output = Softmax(nO=nO) if exclusive_classes else Linear(nO=nO)
    layers.append(
        resizable(output, resize_layer=partial(resize_linear_weighted, fill_defaults=NEW_LABEL))
    )
    if not exclusive_classes:
        layers.append(Logistic())
    model: Model[InT, OutT] = chain(*layers)
    if nO is not None:
        model.set_dim("nO", nO)
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("output_layer", output)
    model.attrs["multi_label"] = not exclusive_classes
    model.attrs["resize_output"] = resize_output
    return model


def resize_output(model: Model[InT, OutT], nO: int) -> Model[InT, OutT]:
    """Change the number of labels, for `TextCategorizer.add_label`."""
    # By position: references are lost when thinc copies a model.
    resizable_layer = model.layers[-2 if model.attrs["multi_label"] else -1]
    resize_model(resizable_layer, nO)
    for node in (resizable_layer, model):
        node.set_dim("nO", nO, force=True)
    model.set_ref("output_layer", resizable_layer.layers[0])
    return model


def _dropout(rate: float | None) -> Model[Floats2d, Floats2d]:
    return Dropout() if rate is None else fixed_dropout(rate)

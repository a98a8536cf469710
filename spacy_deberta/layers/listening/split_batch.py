"""The output for a batch → the output for each document, and back."""

from collections.abc import Callable

from thinc.api import Model

from .batch import DocGradients, FullTransformerBatch
from .transformer_data import TransformerData

InT = FullTransformerBatch
OutT = list[TransformerData]


def split_batch() -> Model[InT, OutT]:
    """Split a batch by document: the layer `split-trf-batch` of spacy-transformers."""
    return Model("split-trf-batch", forward)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Return the output for each document."""

    def backprop(dY: OutT) -> DocGradients:
        return X.unsplit_by_doc([list(data.tensors) for data in dY])

    return X.doc_data, backprop

"""The output of an encoder for a batch of documents, and its gradient."""

from functools import cached_property
from typing import ClassVar

import numpy as np
from spacy.tokens import Doc, Span
from thinc.api import get_array_module
from thinc.types import Ragged
from thinc.util import xp2torch

from spacy_deberta.arrays import Array

from .integration import StandIn
from .transformer_data import ModelOutput, TransformerData, WordpieceBatch, ragged


class FullTransformerBatch(StandIn):
    """The output for a batch of documents, unpadded.

    spacy-transformers pads a batch to one length, so one long document multiplies the memory of all
    others. Pipes and listeners use `doc_data` only. The padded arrays of the whole batch, for an
    annotation setter, are computed on first access.

    Args:
        docs: The documents.
        doc_data: The output for each of them.
    """

    stands_for: ClassVar[str] = "data_classes.FullTransformerBatch"

    def __init__(self, docs: tuple[Doc, ...], doc_data: list[TransformerData]) -> None:
        self.docs = docs
        self.doc_data = doc_data

    @property
    def spans(self) -> list[list[Span]]:
        """One span for each document, of the whole text."""
        return [[doc[:]] if len(doc) else [] for doc in self.docs]

    @cached_property
    def wordpieces(self) -> WordpieceBatch:
        """The pieces of all documents that have tokens, padded to the longest."""
        parts = [data.wordpieces for data in self._full_doc_data]
        width = max((part.input_ids.shape[1] for part in parts), default=0)
        return WordpieceBatch(
            strings=[
                strings + ["[PAD]"] * (width - len(strings))
                for part in parts
                for strings in part.strings
            ],
            input_ids=_pad([part.input_ids for part in parts], width),
            attention_mask=_pad([part.attention_mask for part in parts], width),
            lengths=[length for part in parts for length in part.lengths],
            token_type_ids=None,
        )

    @cached_property
    def model_output(self) -> ModelOutput:
        """`last_hidden_state` of all documents with tokens, `(docs, rows, width)`, as a tensor."""
        rows: list[Array] = [data.tensors[0] for data in self._full_doc_data]
        width = max((array.shape[1] for array in rows), default=0)
        if not rows:
            return ModelOutput()
        return ModelOutput(last_hidden_state=xp2torch(_pad(rows, width)))

    @cached_property
    def align(self) -> Ragged:
        """The alignment of all tokens with the rows of `model_output`, flattened."""
        width = self.wordpieces.input_ids.shape[1]
        parts = [data.align for data in self._full_doc_data]
        empty = [np.zeros(0, dtype="i")]
        rows: Array = [part.dataXd + i * width for i, part in enumerate(parts)]
        lengths: Array = [part.lengths for part in parts]
        return ragged(np.concatenate(rows or empty), np.concatenate(lengths or empty))

    @property
    def tensors(self) -> tuple:
        """The tensors of `model_output`."""
        return self.model_output.to_tuple()

    @property
    def tokens(self) -> dict:
        """The pieces as `WordpieceBatch.to_hf_dict` gives them."""
        return self.wordpieces.to_hf_dict()

    @property
    def _full_doc_data(self) -> list[TransformerData]:
        """The output of the documents with tokens, which are those with gradients."""
        return [data for data in self.doc_data if "last_hidden_state" in data.model_output]

    def unsplit_by_doc(self, arrays: list[list[Array]]) -> "DocGradients":
        """Concatenate the gradients of the documents.

        Args:
            arrays: The gradient of each document with tokens, `(1, rows, width)`, in a list.

        Returns:
            The gradient of the rows of all documents.
        """
        return DocGradients([array[0] for array in arrays])


class DocGradients:
    """The gradient of a `FullTransformerBatch`.

    Attributes:
        rows: Gradient of the rows of all documents, `(doc_rows, width)`.
    """

    rows: Array

    def __init__(self, arrays: list[Array]) -> None:
        if not arrays:  # no document has tokens
            self.rows = np.zeros((0, 0), dtype="f")
            return
        xp = get_array_module(arrays[0])
        self.rows = xp.concatenate([array.reshape(-1, array.shape[-1]) for array in arrays])


def _pad(arrays: list[Array], width: int) -> Array:
    """Pad arrays of shape `(1, length, ...)` with zeros to one of `(arrays, width, ...)`."""
    if not arrays:
        return np.zeros((0, 0))
    xp = get_array_module(arrays[0])
    padded = xp.zeros((len(arrays), width, *arrays[0].shape[2:]), dtype=arrays[0].dtype)
    for i, array in enumerate(arrays):
        padded[i, : array.shape[1]] = array[0]
    return padded

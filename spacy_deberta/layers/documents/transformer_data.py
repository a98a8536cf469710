"""Rows of documents in the data classes that spacy-transformers' pipe and listener exchange."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span
from spacy_transformers.data_classes import (
    FullTransformerBatch,
    TransformerData,
    WordpieceBatch,
)
from thinc.api import get_array_module
from thinc.types import Ragged
from thinc.util import xp2torch

from spacy_deberta.arrays import Array, cumulative
from spacy_deberta.compatibility import ModelOutput
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .alignment import DocPieces
from .windows import WindowPlan


@dataclass
class EmptyOutput(ModelOutput):
    """The output for a document without tokens: rows of the same shape as of any other, but none.

    `"last_hidden_state" in output` is False: so spacy-transformers' layers ask whether a document
    takes part in training, and they fail if one without tokens does.

    Attributes:
        last_hidden_state: `(1, 0, width)`.
        hidden_states: The same for every layer, or None.
    """

    last_hidden_state: Any = None
    hidden_states: Any = None

    def __contains__(self, key: object) -> bool:
        return False


@dataclass
class DocData(TransformerData):
    """The output for one document, which may have had one of another encoder before.

    Attributes:
        encoder: Name of the component whose rows these are, once they are those of a document.
        replaces_others: Whether it wrote over the rows of another encoder.
    """

    encoder: str | None = None
    replaces_others: bool = False


class DebertaBatch(FullTransformerBatch):
    """The output for a batch of documents, each with rows of its own and no padding.

    spacy-transformers pads a batch to one width; that would let one long document multiply the
    memory of all others. `doc_data` is what its pipe and listener use. The padded view of the whole
    batch, for an annotation setter that wants it, is made when it is asked for.
    """

    def __init__(self, docs: tuple[Doc, ...], doc_data: list[TransformerData]) -> None:
        self.docs = docs
        self.cached_doc_data = doc_data

    @property
    def spans(self) -> list[list[Span]]:  # type: ignore[override]
        """One span for each document: its rows are those of the whole text."""
        return [[doc[:]] if len(doc) else [] for doc in self.docs]

    @cached_property
    def wordpieces(self) -> WordpieceBatch:  # type: ignore[override]
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
    def model_output(self) -> Any:  # type: ignore[override]
        """`last_hidden_state` of all documents with tokens, `(docs, rows, width)`, as torch."""
        rows: list[Array] = [data.tensors[0] for data in self._full_doc_data]
        width = max((array.shape[1] for array in rows), default=0)
        if not rows:
            return ModelOutput()
        return ModelOutput(last_hidden_state=xp2torch(_pad(rows, width)))

    @cached_property
    def align(self) -> Ragged:  # type: ignore[override]
        """The alignment of all tokens with the rows of `model_output`, flattened."""
        width = self.wordpieces.input_ids.shape[1]
        parts = [data.align for data in self._full_doc_data]
        empty = [np.zeros(0, dtype="i")]
        rows: Array = [part.dataXd + i * width for i, part in enumerate(parts)]
        lengths: Array = [part.lengths for part in parts]
        return _ragged(np.concatenate(rows or empty), np.concatenate(lengths or empty))

    @property
    def _full_doc_data(self) -> list[TransformerData]:
        """The documents that have tokens, which are those that have gradients."""
        return [data for data in self.doc_data if "last_hidden_state" in data.model_output]

    def unsplit_by_doc(self, arrays: list[list[Array]]) -> "DocGradients":
        """Put the gradients of the documents together.

        Args:
            arrays: For each document that has tokens, its gradient, `(1, rows, width)`, in a list.

        Returns:
            The gradient of the rows of all documents.
        """
        return DocGradients([array[0] for array in arrays])


class DocGradients(FullTransformerBatch):
    """The gradient of a `DebertaBatch`.

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


def split_by_doc(
    layers: list[Array], plan: WindowPlan, doc_pieces: DocPieces, tokenizer: DebertaV2Tokenizer
) -> list[TransformerData]:
    """Cut the rows of a batch into one `TransformerData` for each document.

    Args:
        layers: Rows of the documents, `(doc_rows, width)`: the last layer, or all of them.
        plan: The windows; it knows which rows are whose.
        doc_pieces: The pieces and their alignment.
        tokenizer: For the strings of the pieces and the ids of the special tokens.

    Returns:
        One for each document. `last_hidden_state` is `(1, rows, width)`: `[CLS]`, the pieces,
        `[SEP]`, and, if a token of the document has no piece, a row of zeros for such tokens.
        `align` refers to these rows; every token has at least one. Documents without tokens have
        no rows and no pieces, see `EmptyOutput`.
    """
    wordpieces = _split_wordpieces(plan, doc_pieces, tokenizer)
    alignments = _split_alignment(plan, doc_pieces)
    cu_rows = plan.cu_rows.tolist()
    doc_data: list[TransformerData] = []
    for (start, end), pieces, align in zip(pairwise(cu_rows), wordpieces, alignments, strict=True):
        output_class = ModelOutput if end > start else EmptyOutput
        model_output = output_class(**_outputs([rows[None, start:end] for rows in layers]))
        if start == end:
            pieces, align = WordpieceBatch.empty(), TransformerData.empty().align
        doc_data.append(DocData(pieces, model_output, align))
    return doc_data


def _split_wordpieces(
    plan: WindowPlan, doc_pieces: DocPieces, tokenizer: DebertaV2Tokenizer
) -> Iterator[WordpieceBatch]:
    """What each row of each document is: made for the batch, and cut by document."""
    rows, ends = np.diff(plan.cu_rows), plan.cu_rows[1:]
    empty_rows = ends[plan.has_empty_row] - 1
    ids = np.full(int(plan.cu_rows[-1]), tokenizer.sep_token_id, dtype=np.int64)
    ids[plan.cu_rows[:-1][rows > 0]] = tokenizer.cls_token_id
    ids[plan.piece_rows] = doc_pieces.pieces.ids
    ids[empty_rows] = tokenizer.pad_token_id
    mask: Array = np.ones((1, len(ids)), dtype="f")
    mask[0, empty_rows] = 0.0
    input_ids: Array = ids[None]
    strings = tokenizer.convert_ids_to_tokens(ids)
    lengths = (rows - plan.has_empty_row).tolist()
    for (start, end), length in zip(pairwise(plan.cu_rows.tolist()), lengths, strict=True):
        yield WordpieceBatch(
            strings=[strings[start:end]],
            input_ids=input_ids[:, start:end],
            attention_mask=mask[:, start:end],
            lengths=[length],
            token_type_ids=None,
        )


def _split_alignment(plan: WindowPlan, doc_pieces: DocPieces) -> Iterator[Ragged]:
    """Rows of each document for each of its tokens: made for the batch, and cut by document."""
    cu_pieces, cu_tokens = doc_pieces.pieces.cu_pieces, doc_pieces.cu_tokens
    lengths: Array = doc_pieces.aligned_lengths
    docs = np.repeat(np.arange(len(cu_tokens) - 1), np.diff(cu_tokens))
    # The first piece of a document is in its row 1, behind `[CLS]`.
    aligned: Array = doc_pieces.aligned + np.repeat(1 - cu_pieces[docs], lengths)
    without = np.flatnonzero(lengths == 0)
    if len(without):
        # Some reductions refuse empty tokens: they get the row of zeros, which is the last.
        places = cumulative(lengths)[without]
        aligned = np.insert(aligned, places, np.diff(plan.cu_rows)[docs[without]] - 1)
        lengths = np.maximum(lengths, 1)
    cu_aligned = cumulative(lengths)[cu_tokens].tolist()
    aligned, lengths = aligned.astype("i"), lengths.astype("i")
    for tokens, rows in zip(pairwise(cu_tokens.tolist()), pairwise(cu_aligned), strict=True):
        yield Ragged(aligned[slice(*rows)], lengths[slice(*tokens)])


def _outputs(layers: list[Array]) -> dict[str, Any]:
    if len(layers) == 1:
        return {"last_hidden_state": layers[0]}
    return {"last_hidden_state": layers[-1], "hidden_states": layers}


def _ragged(data: Array, lengths: Array) -> Ragged:
    return Ragged(data.astype("i"), lengths.astype("i"))


def _pad(arrays: list[Any], width: int) -> Any:
    """Arrays of shape `(1, length, ...)` as one of `(arrays, width, ...)`, filled up with zeros."""
    if not arrays:
        return np.zeros((0, 0))
    xp = get_array_module(arrays[0])
    padded = xp.zeros((len(arrays), width, *arrays[0].shape[2:]), dtype=arrays[0].dtype)
    for i, array in enumerate(arrays):
        padded[i, : array.shape[1]] = array[0]
    return padded

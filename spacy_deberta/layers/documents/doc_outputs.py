"""Rows of documents → the output for each document, with its pieces and their alignment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from thinc.api import Model
from thinc.types import Ragged

from spacy_deberta.arrays import Array, cumulative
from spacy_deberta.layers.listening.transformer_data import (
    EmptyOutput,
    ModelOutput,
    TransformerData,
    WordpieceBatch,
)
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .alignment import DocPieces
from .windows import DocWindows


@dataclass(frozen=True, eq=False)
class EncodedDocs:
    """The rows of a batch of documents, with their pieces and windows.

    Attributes:
        layers: Rows of the documents that are no views, `(doc_rows, width)` for each layer: the
            last layer, or all layers.
        views: The rows of each other document, by its window, for each layer.
        windows: The windows, and the range of rows of each document.
        doc_pieces: The pieces and their alignment.
        tokenizer: Gives the strings of the pieces and the ids of the special tokens.
    """

    layers: list[Array]
    views: dict[int, list[Array]]
    windows: DocWindows
    doc_pieces: DocPieces
    tokenizer: DebertaV2Tokenizer


InT = EncodedDocs
OutT = list[TransformerData]


def doc_outputs() -> Model[InT, OutT]:
    """Split the rows of a batch into one `TransformerData` for each document.

    `last_hidden_state` is `(1, rows, width)`: `[CLS]`, the pieces, `[SEP]`, and, if a token of the
    document has no piece, a row of zeros for such tokens. `align` refers to these rows; every token
    has at least one. Documents without tokens have no rows and no pieces, see `EmptyOutput`. The
    gradient has the rows of all documents, concatenated.
    """
    return Model("doc_outputs", forward)


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Split the arrays of the batch into views. The gradient of the rows passes unchanged."""
    return split_by_doc(X), lambda d_rows: d_rows


def split_by_doc(encoded: EncodedDocs) -> list[TransformerData]:
    """The output for each document; see `doc_outputs`."""
    windows, doc_pieces = encoded.windows, encoded.doc_pieces
    wordpieces = _split_wordpieces(windows, doc_pieces, encoded.tokenizer)
    alignments = _split_alignment(windows, doc_pieces)
    doc_data: list[TransformerData] = []
    for layers, pieces, align in zip(_split_layers(encoded), wordpieces, alignments, strict=True):
        is_empty = not len(layers[-1])
        output_class = EmptyOutput if is_empty else ModelOutput
        model_output = output_class(**_outputs([rows[None] for rows in layers]))
        if is_empty:
            pieces, align = WordpieceBatch.empty(), TransformerData.empty().align
        doc_data.append(TransformerData(pieces, model_output, align))
    return doc_data


def _split_layers(encoded: EncodedDocs) -> Iterator[list[Array]]:
    """The rows of each document, `(rows, width)` for each layer."""
    doc_of_window = encoded.windows.docs.tolist()
    views = {doc_of_window[window]: layers for window, layers in encoded.views.items()}
    start = 0
    for doc, length in enumerate(np.diff(encoded.windows.cu_rows).tolist()):
        if doc in views:
            yield views[doc]
            continue
        yield [rows[start : start + length] for rows in encoded.layers]
        start += length


def _split_wordpieces(
    windows: DocWindows, doc_pieces: DocPieces, tokenizer: DebertaV2Tokenizer
) -> Iterator[WordpieceBatch]:
    """The pieces of each document's rows, built for the batch and split by document."""
    rows, ends = np.diff(windows.cu_rows), windows.cu_rows[1:]
    empty_rows = ends[windows.has_empty_row] - 1
    ids = np.full(int(windows.cu_rows[-1]), tokenizer.sep_token_id, dtype=np.int64)
    ids[windows.cu_rows[:-1][rows > 0]] = tokenizer.cls_token_id
    ids[windows.piece_rows] = doc_pieces.pieces.ids
    ids[empty_rows] = tokenizer.pad_token_id
    mask: Array = np.ones((1, len(ids)), dtype="f")
    mask[0, empty_rows] = 0.0
    input_ids: Array = ids[None]
    strings = tokenizer.convert_ids_to_tokens(ids)
    lengths = (rows - windows.has_empty_row).tolist()
    for (start, end), length in zip(pairwise(windows.cu_rows.tolist()), lengths, strict=True):
        yield WordpieceBatch(
            strings=[strings[start:end]],
            input_ids=input_ids[:, start:end],
            attention_mask=mask[:, start:end],
            lengths=[length],
            token_type_ids=None,
        )


def _split_alignment(windows: DocWindows, doc_pieces: DocPieces) -> Iterator[Ragged]:
    """The rows of each token, built for the batch and split by document."""
    cu_pieces, cu_tokens = doc_pieces.pieces.cu_pieces, doc_pieces.cu_tokens
    lengths: Array = doc_pieces.aligned_lengths
    docs = np.repeat(np.arange(len(cu_tokens) - 1), np.diff(cu_tokens))
    # The first piece of a document is its row 1, after `[CLS]`.
    aligned: Array = doc_pieces.aligned + np.repeat(1 - cu_pieces[docs], lengths)
    without = np.flatnonzero(lengths == 0)
    if len(without):
        # Some reductions reject empty sequences, so tokens without pieces get the row of zeros,
        # which is the last.
        places = cumulative(lengths)[without]
        aligned = np.insert(aligned, places, np.diff(windows.cu_rows)[docs[without]] - 1)
        lengths = np.maximum(lengths, 1)
    cu_aligned = cumulative(lengths)[cu_tokens].tolist()
    aligned, lengths = aligned.astype("i"), lengths.astype("i")
    for tokens, rows in zip(pairwise(cu_tokens.tolist()), pairwise(cu_aligned), strict=True):
        yield Ragged(aligned[slice(*rows)], lengths[slice(*tokens)])


def _outputs(layers: list[Array]) -> dict[str, Any]:
    if len(layers) == 1:
        return {"last_hidden_state": layers[0]}
    return {"last_hidden_state": layers[-1], "hidden_states": layers}

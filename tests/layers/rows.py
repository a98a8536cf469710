"""Rows of documents in the form of the encoder's output, without an encoder."""

import numpy as np
from thinc.types import Ragged

from spacy_deberta.layers import TransformerData
from spacy_deberta.layers.listening.transformer_data import ModelOutput, WordpieceBatch

WIDTH = 5


def document_data(pieces, *, has_empty_row=False, seed=0):
    """The rows of a document: `[CLS]`, pieces, `[SEP]`, and a row of zeros if asked for."""
    rows = np.random.default_rng(seed).normal(size=(1, pieces + 2 + has_empty_row, WIDTH))
    mask = np.ones(rows.shape[:2], dtype="f")
    if has_empty_row:
        rows[0, -1] = 0.0
        mask[0, -1] = 0.0
    length = rows.shape[1]
    return TransformerData(
        wordpieces=WordpieceBatch(
            strings=[["x"] * length],
            input_ids=np.zeros((1, length), dtype="i"),
            attention_mask=mask,
            lengths=[length - has_empty_row],
            token_type_ids=None,
        ),
        model_output=ModelOutput(last_hidden_state=rows.astype("f")),
        align=Ragged(np.arange(pieces, dtype="i"), np.ones(pieces, dtype="i")),
    )


def padded_windows(*pieces):
    """A document in several padded windows, as in the output of spacy-transformers."""
    parts = [document_data(n, seed=n) for n in pieces]
    length = max(pieces) + 2
    rows = np.zeros((len(parts), length, WIDTH), dtype="f")
    mask = np.zeros((len(parts), length), dtype="f")
    for i, part in enumerate(parts):
        own = part.model_output.last_hidden_state[0]
        rows[i, : len(own)], mask[i, : len(own)] = own, 1.0
    data = document_data(length - 2)
    data.model_output = ModelOutput(last_hidden_state=rows)
    data.wordpieces.attention_mask = mask
    return data


def batch():
    """Documents of all kinds: with pieces, without tokens, of whitespace, with whitespace."""
    return [
        document_data(3, seed=1),
        TransformerData.empty(),
        document_data(0, has_empty_row=True, seed=2),
        document_data(4, has_empty_row=True, seed=3),
    ]

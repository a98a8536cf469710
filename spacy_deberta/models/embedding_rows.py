"""Word embeddings with another number of rows."""

import torch
from torch import nn

from spacy_deberta.nn import DebertaV2Config, init_weights


def with_rows(old: nn.Embedding, count: int, config: DebertaV2Config) -> nn.Embedding:
    """Make an embedding table with another number of rows.

    Args:
        old: The table.
        count: The number of rows.
        config: Has the standard deviation of new rows.

    Returns:
        A table of the same width, dtype and device, with the rows of the old one first.
    """
    new = nn.Embedding(
        count,
        old.embedding_dim,
        padding_idx=old.padding_idx,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    init_weights(new, config)
    new.weight.requires_grad_(old.weight.requires_grad)
    kept = min(count, old.num_embeddings)
    with torch.no_grad():
        new.weight[:kept] = old.weight[:kept]
    return new

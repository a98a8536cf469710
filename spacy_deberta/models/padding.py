"""Padding of packed outputs."""

from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from spacy_deberta.nn import Attentions, ModelOutput, PackedPieces

HeadOutput = TypeVar("HeadOutput", bound=ModelOutput)


def pad_output(packed: HeadOutput, pieces: PackedPieces, *names: str) -> HeadOutput:
    """Pad a packed output to the shapes of the original batch.

    Args:
        packed: A model's output for the packed pieces.
        pieces: The batch, made by `PackedPieces.from_padded`.
        names: Per-piece fields, beside hidden states and attentions.

    Returns:
        The output with these fields as (batch, length, ...), zeros in padding.
    """
    changes: dict[str, Any] = {name: pieces.pad(getattr(packed, name)) for name in names}
    if packed.hidden_states is not None:
        changes["hidden_states"] = tuple(pieces.pad(rows) for rows in packed.hidden_states)
    if packed.attentions is not None:
        changes["attentions"] = tuple(_pad_layer(layer, pieces) for layer in packed.attentions)
    return replace(packed, **changes)


def _pad_layer(attentions: Attentions | Tensor, pieces: PackedPieces) -> Tensor:
    """Pad a layer's attentions, (heads, length, length) each, to (batch, heads, query, key)."""
    padded = []
    for start, probabilities in zip(pieces.starts, attentions, strict=True):
        after = pieces.padded_length - start - probabilities.shape[-1]
        padded.append(functional.pad(probabilities, (start, after, start, after)))
    return torch.stack(padded) if padded else torch.empty(0)

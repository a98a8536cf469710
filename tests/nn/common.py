"""Batches and models that several test files start from."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spacy_deberta import nn as ours
from tests import huggingface


def model_like(variant: str = "v3", *, attention: str = "auto", **changes) -> ours.DebertaV2Model:
    """Our model with the weights of `huggingface.shared_model`, in evaluation mode."""
    values = {**huggingface.VARIANTS[variant], **changes}
    model = ours.DebertaV2Model(ours.DebertaV2Config.from_dict(values), attention=attention)
    model.load_state_dict(huggingface.shared_model(variant).state_dict())
    return model.eval()


def padded_batch(
    lengths: Sequence[int], *, left: bool = False, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Ids and mask, each (batch, longest) int64; ids in the padding are real ones, to be told."""
    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    ids = torch.randint(1, 97, (len(lengths), longest), generator=generator)
    columns = torch.arange(longest)
    mask = (columns < torch.tensor(lengths)[:, None]).long()
    return ids, mask.flip(1) if left else mask


def packed_batch(lengths: Sequence[int], *, seed: int = 0) -> ours.PackedPieces:
    """The pieces of `padded_batch`."""
    return ours.PackedPieces.from_padded(*padded_batch(lengths, seed=seed))


def close(actual: Tensor, expected: Tensor, atol: float) -> None:
    """Absolute difference only, with the largest one in the message."""
    torch.testing.assert_close(actual, expected, atol=atol, rtol=0.0)

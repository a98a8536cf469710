"""Batches and models for several test files."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spacy_deberta import models
from spacy_deberta import nn as ours
from spacy_deberta.nn.attention import AttentionInputs
from tests import huggingface


def model_like(variant: str = "v3", *, attention: str = "auto", **changes) -> models.DebertaV2Model:
    """Our model with the weights of `huggingface.shared_model`, in evaluation mode."""
    values = {**huggingface.VARIANTS[variant], **changes}
    model = models.DebertaV2Model(ours.DebertaV2Config.from_dict(values), attention=attention)
    model.load_state_dict(huggingface.shared_model(variant).state_dict())
    return model.eval()


def head_pair(cls: str, variant: str = "v3", **changes):
    """A model with a head as Hugging Face has it, and ours with the same weights."""
    theirs = huggingface.make_model(variant, cls=cls, **changes)
    config = ours.DebertaV2Config.from_dict({**huggingface.VARIANTS[variant], **changes})
    model = getattr(models, cls)(config).eval()
    model.load_state_dict(theirs.state_dict())
    return theirs, model


def close_gradients(model: torch.nn.Module, expected: dict[str, Tensor | None]) -> None:
    """Gradients of all parameters, to 1e-4 of the largest one."""
    largest = max(float(grad.abs().max()) for grad in expected.values() if grad is not None)
    actual = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        if gradient is None:
            assert actual[name] is None, name
        else:
            found = actual[name]
            assert found is not None, name
            close(found, gradient, 1e-4 * largest)


def gradients(model: torch.nn.Module) -> dict[str, Tensor | None]:
    """The gradients that a model holds, by name."""
    return {name: parameter.grad for name, parameter in model.named_parameters()}


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


def attend(kernel, tensors, plan, **options):
    """Call a kernel with queries, keys, values and both position tables, in this order."""
    names = ("query", "key", "value", "position_key", "position_query")
    return kernel(AttentionInputs(**dict(zip(names, tensors, strict=True)), **options), plan)

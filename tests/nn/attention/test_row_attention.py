"""Attention of some query rows, compared with attention of all rows."""

import pytest
import torch

from spacy_deberta import models
from spacy_deberta import nn as ours
from spacy_deberta.nn.attention.rows import RowAttention
from tests import huggingface
from tests.nn.common import close, model_like, packed_batch

VARIANTS = [
    "v3",
    "own-projections",
    "c2p",
    "own-p2c",
    "no-terms",
    "no-relative-attention",
    "no-buckets",
    "few-buckets",
    "plain-positions",
]


KERNELS = {"rows": RowAttention(), "reference": ours.resolve_attention("reference")}


def _attend(model, name, pieces, states, rows=None):
    layer = model.encoder.layer[1].attention.self
    context = model.encoder.context(pieces, KERNELS[name], query_rows=rows)
    return layer(states, context, query_states=None if rows is None else states[rows])[0]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "lengths", [[17], [31, 5, 1, 40, 33], [0, 3, 0, 3, 0], [300, 140, 1]], ids=str
)
def test_some_rows_of_all(lengths, variant):
    model, pieces = model_like(variant), packed_batch(lengths)
    generator = torch.Generator().manual_seed(3)
    total = pieces.total_pieces
    states = torch.randn(total, 32, generator=generator).requires_grad_()
    rows = torch.randperm(total, generator=generator)[: max(1, total // 4)]
    weights = torch.randn(len(rows), 32, generator=generator)
    expected = _attend(model, "reference", pieces, states)[rows]
    actual = _attend(model, "rows", pieces, states, rows)
    close(actual, expected, 1e-5)
    close(_attend(model, "reference", pieces, states, rows), expected, 1e-5)
    (expected_gradient,) = torch.autograd.grad((expected * weights).sum(), states)
    (gradient,) = torch.autograd.grad((actual * weights).sum(), states)
    close(gradient, expected_gradient, 1e-4 * float(expected_gradient.abs().max()))


def test_a_kernel_for_all_rows_gives_way():
    model, pieces = model_like(), packed_batch([9, 14])
    rows = torch.tensor([3, 20])
    for name, expected in (("strided", "rows"), ("reference", "reference")):
        kernel = ours.resolve_attention(name)
        assert model.encoder.context(pieces, kernel).kernel.name == name
        assert model.encoder.context(pieces, kernel, query_rows=rows).kernel.name == expected


@pytest.mark.parametrize("name", ["reference", "rows"])
def test_probabilities_of_some_rows(name):
    model, pieces = model_like(), packed_batch([9, 14, 2])
    context = model.encoder.context(pieces, ours.resolve_attention("reference"))
    states = torch.randn(25, 32, generator=torch.Generator().manual_seed(3))
    layer, rows = model.encoder.layer[1].attention.self, torch.tensor([22, 0, 10, 7])
    _, expected = layer(states, context, return_attentions=True)
    context = model.encoder.context(pieces, KERNELS[name], query_rows=rows)
    _, found = layer(states, context, query_states=states[rows], return_attentions=True)
    own = [[0, 7], [22 - 9, 10 - 9], []]
    for actual, whole, places in zip(found, expected, own, strict=True):
        wanted = whole[:, places]
        assert actual.shape == wanted.shape
        close(actual, wanted, 1e-5)


def test_nobody_can_choose_it():
    with pytest.raises(ValueError, match=r"E113.*auto, reference, strided, triton"):
        ours.resolve_attention("rows")


def test_all_rows():
    model, pieces = model_like(), packed_batch([9, 14, 2])
    states = torch.randn(25, 32, generator=torch.Generator().manual_seed(3))
    expected = _attend(model, "reference", pieces, states)
    close(_attend(model, "rows", pieces, states), expected, 1e-5)


def test_dropout():
    values = {**huggingface.VARIANTS["v3"], "hidden_dropout_prob": 0.0}
    model = models.DebertaV2Model(ours.DebertaV2Config.from_dict(values)).train()
    pieces, rows = packed_batch([9, 14, 2]), torch.tensor([0, 3, 11])
    states = torch.randn(25, 32, generator=torch.Generator().manual_seed(3))
    first, second = (_attend(model, "rows", pieces, states, rows) for _ in range(2))
    assert not torch.equal(first, second)

"""Initial weights and frozen modules."""

import pytest
import torch

from spacy_deberta import models
from spacy_deberta import nn as ours
from tests import huggingface
from tests.nn.common import model_like, packed_batch


def _fresh(seed):
    config = ours.DebertaV2Config.from_dict(
        {**huggingface.VARIANTS["v2"], "initializer_range": 0.05, "pad_token_id": 3}
    )
    model = models.DebertaV2ForTokenClassification(config)
    model.init_weights(torch.Generator().manual_seed(seed))
    return model


def test_fresh_weights():
    model = _fresh(0)
    for name, parameter in model.named_parameters():
        if "LayerNorm.weight" in name:
            assert bool((parameter == 1).all()), name
        elif name.endswith("bias") and ".conv.conv." not in name:
            assert not parameter.any(), name
        elif ".conv.conv." not in name and parameter.numel() > 500:
            assert float(parameter.detach().std()) == pytest.approx(0.05, rel=0.1), name
    words = model.deberta.embeddings.word_embeddings.weight
    assert not words[3].any()
    assert bool(words[4].any())


def test_fresh_weights_are_repeatable():
    first, again, other = (_fresh(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    matrix = "deberta.encoder.layer.1.output.dense.weight"
    assert not torch.equal(first[matrix], other[matrix])
    assert not torch.equal(
        first["deberta.encoder.conv.conv.weight"], other["deberta.encoder.conv.conv.weight"]
    )


@pytest.mark.parametrize(
    ("embeddings", "layers", "frozen"),
    [
        (False, 0, []),
        (True, 0, ["embeddings.", "encoder.rel_embeddings.", "encoder.LayerNorm."]),
        (False, 1, ["encoder.layer.0.", "encoder.conv."]),
        (
            True,
            1,
            ["embeddings.", "encoder.rel_", "encoder.Lay", "encoder.layer.0.", "encoder.conv."],
        ),
        (True, 2, [""]),
    ],
)
def test_freeze(embeddings, layers, frozen):
    model = model_like("v2").train()
    ours.freeze(model, embeddings=True, layers=2)
    ours.freeze(model, embeddings=embeddings, layers=layers)
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad != any(name.startswith(start) for start in frozen), name
    rows = model.forward_packed(packed_batch([9, 4])).last_hidden_state
    assert rows.requires_grad == (frozen != [""])
    if rows.requires_grad:
        rows.square().sum().backward()
        for name, parameter in model.named_parameters():
            assert (parameter.grad is not None) == parameter.requires_grad, name


def test_nothing_is_kept_for_frozen_layers():
    model = model_like("v2").train()
    ours.freeze(model, embeddings=True, layers=1)
    states = model.forward_packed(packed_batch([9, 4]), output_hidden_states=True).hidden_states
    assert [rows.requires_grad for rows in states] == [False, False, True]


@pytest.mark.parametrize("layers", [-1, 3])
def test_freeze_refuses(layers):
    with pytest.raises(ValueError, match="E114"):
        ours.freeze(model_like(), embeddings=False, layers=layers)

"""Some rows of the last hidden state, compared with all of them."""

from dataclasses import replace
from weakref import ref

import pytest
import torch

from spacy_deberta import models
from spacy_deberta import nn as ours
from tests.nn.common import close, model_like, packed_batch

LENGTHS = [17, 1, 40]
ROWS = torch.tensor([3, 57, 0, 17, 31, 18])


@pytest.mark.parametrize("variant", ["v3", "v2", "no-terms"])
@pytest.mark.parametrize("layers", [None, 1])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_prediction(variant, layers, precision):
    model, pieces = model_like(variant).eval(), packed_batch(LENGTHS)
    with torch.no_grad(), ours.Precision.named(precision, pieces.device).active(pieces.device):
        whole = model.forward_packed(pieces, layers=layers).last_hidden_state
        some = model.forward_packed(pieces, layers=layers, output_rows=ROWS).last_hidden_state
    assert some.shape == (len(ROWS), whole.shape[1])
    close(some, whole[ROWS], 1e-5 if precision != "bf16" else 2e-2)


@pytest.mark.parametrize("variant", ["v3", "v2"])
@pytest.mark.parametrize("recompute", [False, True])
def test_training(variant, recompute):
    model, pieces = model_like(variant), packed_batch(LENGTHS)
    model.set_dropout(0.0)
    if recompute:
        model.gradient_checkpointing_enable()
    gradients = []
    for rows in (None, ROWS):
        model.zero_grad()
        with model.training_step():
            hidden = model.forward_packed(pieces, output_rows=rows).last_hidden_state
            (hidden if rows is not None else hidden[ROWS]).square().sum().backward()
        gradients.append([p.grad.to_dense() for p in model.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 10
    for some, whole in zip(*gradients, strict=True):
        close(some, whole, 1e-4 * float(whole.abs().max()) + 1e-7)


@pytest.mark.parametrize("wanted", [False, True])
def test_hidden_states_are_kept_if_they_are_wanted(wanted):
    config = replace(model_like("v3").config, num_hidden_layers=4)
    model, pieces = models.DebertaV2Model(config).eval(), packed_batch(LENGTHS)
    outputs, alive = [], []
    for layer in model.encoder.layer:
        layer.register_forward_pre_hook(
            lambda _, __: alive.append([r() is not None for r in outputs])
        )
        layer.register_forward_hook(lambda _, __, found: outputs.append(ref(found[0])))
    with torch.no_grad():
        model.forward_packed(pieces, output_hidden_states=wanted)
    # The input of the last layer is the output of the one before.
    assert alive[-1][-1]
    assert alive[-1][:-1] == [wanted] * (len(alive[-1]) - 1)


def test_only_these_rows_pass_the_feed_forward_network():
    model, pieces = model_like("v3").eval(), packed_batch(LENGTHS)
    seen = []
    for layer in model.encoder.layer:
        layer.output.register_forward_hook(lambda _, __, output: seen.append(len(output)))
    with torch.no_grad():
        model.forward_packed(pieces, output_rows=ROWS)
    assert seen == [sum(LENGTHS)] * (len(seen) - 1) + [len(ROWS)]

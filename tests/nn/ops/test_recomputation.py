"""Recomputed activations: the same gradients, and less memory."""

import weakref

import pytest
import torch
from torch.nn import functional

from spacy_deberta.nn.ops.recomputation import recomputed
from tests.nn.common import model_like, packed_batch


def _gradients(function, *, keep):
    torch.manual_seed(0)
    first, second = torch.nn.Linear(5, 7), torch.nn.Linear(7, 3)
    rows = torch.randn(11, 5)
    before = first(rows)
    if keep:
        output = second(function(before))
    else:
        with recomputed(function, before) as after:
            output = second(after)
    output.square().sum().backward()
    return [parameter.grad for part in (first, second) for parameter in part.parameters()]


@pytest.mark.parametrize("function", [functional.gelu, torch.tanh, torch.sigmoid, lambda x: x])
def test_gradients_are_the_same(function):
    kept, made_again = _gradients(function, keep=True), _gradients(function, keep=False)
    for one, other in zip(kept, made_again, strict=True):
        assert torch.equal(one, other)


def test_the_output_is_not_kept():
    before = torch.randn(11, 7, requires_grad=True)
    second = torch.nn.Linear(7, 3)
    with recomputed(functional.gelu, before) as after:
        output = second(after)
    gone = weakref.ref(after)
    del after
    assert gone() is None
    output.sum().backward()
    assert before.grad is not None


def test_without_gradients_nothing_is_computed_twice():
    calls = []
    with torch.no_grad(), recomputed(lambda x: calls.append(1) or x, torch.ones(3)) as after:
        assert torch.equal(after, torch.ones(3))
    assert calls == [1]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_layers_keep_no_activations(checkpointing):
    model = model_like()
    model.set_dropout(0.0)
    made = []

    def activation(rows):
        output = functional.gelu(rows)
        made.append(weakref.ref(output))
        return output

    for layer in model.encoder.layer:
        layer.intermediate.activation = activation
    if checkpointing:
        model.gradient_checkpointing_enable()
    rows = model.train().forward_packed(packed_batch([9, 12])).last_hidden_state
    assert len(made) == 2
    assert all(output() is None for output in made)
    rows.sum().backward()
    assert len(made) == 4

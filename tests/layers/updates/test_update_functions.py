"""All optimizers that thinc accepts: functions with or without `lr_scale`."""

from functools import partial

import numpy as np
import pytest
import torch
from thinc.api import Adam, Optimizer

from spacy_deberta.layers.updates.gradient_updates import GradientUpdates
from spacy_deberta.layers.updates.optimization import ParameterUpdate

RATE = 0.1
WEIGHTS = {"table": (6, 3), "weight": (4, 3), "bias": (3,)}
SCALES = {"table": 0.25, "weight": 1.0, "bias": 0.5}
ROWS = torch.tensor([4, 1, 4])


def in_place(key, weights, gradient):
    weights -= RATE * gradient
    return weights, gradient


def in_new_memory(key, weights, gradient):
    return weights - RATE * gradient, np.zeros_like(gradient)


def with_scale(key, weights, gradient, *, lr_scale=1.0):
    return weights - RATE * lr_scale * gradient, gradient


def with_any_setting(key, weights, gradient, **settings):
    return with_scale(key, weights, gradient, **settings)


class WithoutAttributes:
    """A callable object that is not an optimizer of thinc."""

    def __call__(self, key, weights, gradient):
        return in_place(key, weights, gradient)


class OfSomebodyElse(Optimizer):
    """A third-party optimizer with the interface of thinc's Adam."""

    def __call__(self, key, weights, gradient, *, lr_scale=1.0):
        return with_scale(key, weights, gradient, lr_scale=lr_scale)


def make_parameters():
    """Parameters with gradients, that of the table sparse; and the gradients as arrays."""
    torch.manual_seed(0)
    parameters = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in WEIGHTS.items()}
    read = torch.nn.functional.embedding(ROWS, parameters["table"], sparse=True)
    total = (read * torch.arange(9.0).view(3, 3)).sum()
    total = total + (parameters["weight"] ** 2).sum() + (parameters["bias"] ** 3).sum()
    total.backward()
    gradients = {name: parameter.grad.to_dense() for name, parameter in parameters.items()}
    return parameters, gradients


def update(optimizer, parameters, updates=None):
    """One update of all parameters, as in `EncoderShim`."""
    (GradientUpdates() if updates is None else updates)(
        optimizer,
        {(7, name): parameter for name, parameter in parameters.items()},
        {
            (7, name): ParameterUpdate(learn_rate_scale=scale, weight_decay=name != "bias")
            for name, scale in SCALES.items()
        },
        scaled=False,
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        in_place,
        in_new_memory,
        with_scale,
        with_any_setting,
        partial(with_scale, lr_scale=3.0),
        WithoutAttributes(),
        WithoutAttributes().__call__,
        OfSomebodyElse(RATE),
    ],
)
def test_every_function_updates_at_the_rate_of_each_parameter(optimizer):
    parameters, gradients = make_parameters()
    expected = {
        name: (parameter.detach() - RATE * SCALES[name] * gradients[name])
        for name, parameter in parameters.items()
    }
    update(optimizer, parameters)
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.detach(), expected[name])
        assert parameter.grad is None


def test_a_function_may_keep_what_it_gets_and_update_later():
    parameters, gradients = make_parameters()
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    kept = {}

    def collect(key, weights, gradient):
        kept[key] = (weights, gradient)
        return weights, gradient

    updates = GradientUpdates()
    update(collect, parameters, updates)
    others, _ = make_parameters()
    update(Adam(0.01), others, updates)  # reused memory would be overwritten
    for key, (weights, gradient) in kept.items():
        in_place(key, weights, gradient)
    for name, parameter in parameters.items():
        expected = before[name] - RATE * gradients[name]
        torch.testing.assert_close(parameter.detach(), expected)

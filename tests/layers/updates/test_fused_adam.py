"""The fused optimizer step, compared with thinc's own."""

import numpy as np
import pytest
import torch
from thinc.api import SGD, Adam, Optimizer, RAdam

from spacy_deberta.layers.updates.fused_adam import can_fuse
from spacy_deberta.layers.updates.optimization import ParameterUpdate, update_parameters

SHAPES = {"encoder.weight": (7, 5), "encoder.bias": (5,), "embeddings": (40, 3)}
UPDATES = {
    "encoder.weight": ParameterUpdate(learn_rate_scale=1.0, weight_decay=True),
    "encoder.bias": ParameterUpdate(learn_rate_scale=1.0, weight_decay=False),
    "embeddings": ParameterUpdate(learn_rate_scale=0.5, weight_decay=True),
}


def _optimizer(**changes) -> Optimizer:
    settings = {"learn_rate": 0.01, "L2": 0.01, "grad_clip": 1.0, "use_averages": True}
    return Adam(**{**settings, **changes})


def _gradients(step: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(step)
    # A gradient that is clipped, one that is not, and one that is missing in every other update.
    scales = {"encoder.weight": 3.0, "encoder.bias": 0.01, "embeddings": 1.0}
    found = {
        name: generator.normal(scale=scales[name], size=shape).astype("f")
        for name, shape in SHAPES.items()
    }
    if step % 2:
        del found["encoder.bias"]
    return found


def _train(optimizer: Optimizer, steps: int, *, one_by_one: bool) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(99)
    weights = {name: generator.normal(size=shape).astype("f") for name, shape in SHAPES.items()}
    parameters = {name: torch.nn.Parameter(torch.from_numpy(w)) for name, w in weights.items()}
    for step in range(steps):
        gradients = _gradients(step)
        if one_by_one:
            for name, gradient in gradients.items():
                decay, update = optimizer.L2, UPDATES[name]
                optimizer.L2 = decay if update.weight_decay else 0.0
                scale = update.learn_rate_scale
                weights[name][...], _ = optimizer(
                    (1, name),
                    weights[name],  # type: ignore[arg-type]
                    gradient,  # type: ignore[arg-type]
                    lr_scale=scale,
                )
                optimizer.L2 = decay
        else:
            for name, gradient in gradients.items():
                parameters[name].grad = torch.from_numpy(gradient)
            update_parameters(
                optimizer,
                {(1, name): parameters[name] for name in gradients},
                {(1, name): update for name, update in UPDATES.items()},
            )
            assert all(parameter.grad is None for parameter in parameters.values())
    return weights


@pytest.mark.parametrize(
    "changes",
    [{}, {"use_averages": False}, {"grad_clip": 0.0}, {"L2": 0.0}, {"eps": 0.1}, {"beta2": 0.9}],
)
def test_the_step_is_thincs(changes):
    thincs, ours = _optimizer(**changes), _optimizer(**changes)
    expected = _train(thincs, 7, one_by_one=True)
    actual = _train(ours, 7, one_by_one=False)
    assert ours.nr_update == thincs.nr_update
    for name in SHAPES:
        # The decay before the step instead of after it: 0.01 * 0.01 of a step of 0.01.
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=1e-5)
        for moments in ("mom1", "mom2"):
            found = getattr(ours, moments)[1, name]
            np.testing.assert_allclose(found, getattr(thincs, moments)[1, name], rtol=1e-4)
            assert found.shape == (np.prod(SHAPES[name]),)
        if thincs.averages is not None:
            average, other = ours.averages[1, name], thincs.averages[1, name]
            np.testing.assert_allclose(average, other, rtol=0, atol=1e-5)


def test_thincs_optimizer_can_go_on():
    optimizer = _optimizer()
    _train(optimizer, 3, one_by_one=False)
    continued = _train(optimizer, 3, one_by_one=True)
    assert optimizer.nr_update[1, "encoder.weight"] == 6
    assert all(np.isfinite(weights).all() for weights in continued.values())


@pytest.mark.parametrize(
    ("optimizer", "fused"),
    [
        (_optimizer(), True),
        (_optimizer(L2_is_weight_decay=False), False),
        (_optimizer(L2_is_weight_decay=False, L2=0.0), True),
        (RAdam(0.01), False),
        (SGD(0.01), False),
    ],
)
def test_other_optimizers_are_called_themselves(optimizer, fused):
    assert can_fuse(optimizer) == fused
    before = _train(_optimizer(), 0, one_by_one=False)
    after = _train(optimizer, 2, one_by_one=False)
    assert all(not np.array_equal(before[name], after[name]) for name in SHAPES)

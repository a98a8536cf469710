"""Layers prepared for prediction: the same values, and updated when weights change."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spacy_deberta import models
from spacy_deberta import nn as ours
from spacy_deberta.nn.inference import preparation
from tests import huggingface
from tests.nn.common import close, model_like, packed_batch, padded_batch

LENGTHS = [31, 5, 1, 64, 0, 60]


def _predict(model, pieces=None, **wanted):
    with torch.no_grad():
        return model.forward_packed(pieces or packed_batch(LENGTHS), **wanted)


def _by_modules(model, pieces=None, **wanted):
    """The output of the modules without prepared layers."""
    handle = model.encoder.register_forward_hook(lambda *_: None)
    try:
        return _predict(model, pieces, **wanted)
    finally:
        handle.remove()


@pytest.fixture
def model():
    return model_like()


@pytest.fixture
def prepared_calls(monkeypatch):
    """Number of prepared layers."""
    from spacy_deberta.nn.inference import prepared

    calls, prepare = [], prepared.prepare
    monkeypatch.setattr(prepared, "prepare", lambda *a: calls.append(1) or prepare(*a))
    return calls


@pytest.mark.parametrize("attention", ours.ATTENTION_KERNELS)
@pytest.mark.parametrize("variant", list(huggingface.VARIANTS))
def test_prepared_layers_compute_what_the_modules_do(variant, attention):
    if attention == "triton":
        pytest.skip("has tests of its own")
    model = model_like(variant, attention=attention)
    wanted = {"output_hidden_states": True, "output_attentions": True}
    actual, expected = _predict(model, **wanted), _by_modules(model, **wanted)
    for one, other in zip(actual.hidden_states, expected.hidden_states, strict=True):
        close(one, other, 1e-5)
    for one, other in zip(actual.attentions[1], expected.attentions[1], strict=True):
        close(one, other, 1e-5)
    close(_predict(model, layers=1).last_hidden_state, expected.hidden_states[1], 1e-5)


def test_long_batches_pass_in_parts(model):
    pieces = packed_batch([200] * 12)
    expected = _by_modules(model, pieces).last_hidden_state
    close(_predict(model, pieces).last_hidden_state, expected, 1e-5)


def test_layers_are_prepared_once(model, prepared_calls):
    for _ in range(3):
        _predict(model)
    assert len(prepared_calls) == 2
    with torch.autocast("cpu", torch.bfloat16):
        _predict(model)
    assert len(prepared_calls) == 4


def test_float32_weights_are_not_copied(model):
    _predict(model)
    (_, layers) = model.encoder.prepared._cached
    dense = model.encoder.layer[0].intermediate.dense
    assert layers[0].intermediate.keywords["weight"].data_ptr() == dense.weight.data_ptr()


@pytest.mark.parametrize(
    "name",
    [
        "rel_embeddings.weight",
        "layer.1.attention.self.query_proj.weight",
        "layer.0.output.dense.bias",
    ],
)
@pytest.mark.parametrize("how", ["in place", "other memory", "state dict", "training"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_changed_weights_are_seen(model, name, how, dtype):
    def predict():
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return _predict(model).last_hidden_state

    before = predict()
    weight = dict(model.encoder.named_parameters())[name]
    changed = torch.randn_like(weight)
    if how == "in place":
        with torch.no_grad():
            weight.copy_(changed)
    elif how == "other memory":
        weight.data = changed
    elif how == "state dict":
        model.encoder.load_state_dict({**model.encoder.state_dict(), name: changed})
    else:
        # Fused optimizers change weights without bumping `_version`.
        model.train().forward_packed(packed_batch([3]))
        weight.data.copy_(changed)
        model.eval()
    after = predict()
    assert not torch.allclose(before, after)
    model.encoder.prepared.forget()
    assert torch.equal(predict(), after)


class Twice(torch.nn.Linear):
    def forward(self, rows):
        return 2 * super().forward(rows)


def test_a_layer_with_a_hook_is_not_prepared(model, prepared_calls):
    expected, seen = _predict(model).last_hidden_state, []
    handle = model.encoder.layer[0].output.dense.register_forward_hook(
        lambda *_: seen.append("hook")
    )
    assert len(prepared_calls) == 2
    close(_predict(model).last_hidden_state, expected, 1e-5)
    assert (seen, len(prepared_calls)) == (["hook"], 3)
    handle.remove()
    assert torch.equal(_predict(model).last_hidden_state, expected)
    assert (seen, len(prepared_calls)) == (["hook"], 5)


def test_a_layer_with_an_unknown_module_is_not_prepared_and_warns(model, prepared_calls):
    layer, expected = model.encoder.layer[0], _predict(model).last_hidden_state
    twice = Twice(32, 32)
    twice.load_state_dict(layer.attention.self.value_proj.state_dict())
    layer.attention.self.value_proj = twice
    with pytest.warns(UserWarning, match="W427.* 1 layers .*Twice"):
        found = _predict(model).last_hidden_state
    assert len(prepared_calls) == 3
    assert not torch.allclose(found, expected)
    with torch.enable_grad():
        by_modules = model.forward_packed(packed_batch(LENGTHS)).last_hidden_state
    close(found, by_modules, 1e-5)


def test_a_module_can_say_how_it_is_prepared(model, monkeypatch):
    registry = preparation._PREPARATIONS
    monkeypatch.setattr(preparation, "_PREPARATIONS", dict(registry))
    preparation.prepares(Twice)(
        lambda dense, precision, activation=None: (
            lambda rows: 2 * registry[torch.nn.Linear](dense, precision, activation)(rows)
        )
    )
    layer = model.encoder.layer[0]
    twice = Twice(32, 32)
    twice.load_state_dict(layer.attention.output.dense.state_dict())
    layer.attention.output.dense = twice
    with torch.enable_grad():
        expected = model.forward_packed(packed_batch(LENGTHS)).last_hidden_state
    close(_predict(model).last_hidden_state, expected, 1e-5)
    assert not isinstance(model.encoder.prepared._cached[1][0], torch.nn.Module)


def test_copies_prepare_for_themselves(model, prepared_calls):
    expected = _predict(model).last_hidden_state
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.encoder.prepared._cached is None
        assert torch.equal(_predict(copied).last_hidden_state, expected)
    assert len(prepared_calls) == 6


def test_layers_prepared_in_inference_mode_serve_outside_of_it(model):
    with torch.inference_mode():
        expected = model.forward_packed(packed_batch(LENGTHS)).last_hidden_state
    assert torch.equal(_predict(model).last_hidden_state, expected)


@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_bfloat16_is_as_near_as_hugging_faces(variant):
    theirs, model = huggingface.shared_model(variant), model_like(variant)
    ids, mask = padded_batch([64, 50, 40, 64, 31])
    with torch.no_grad():
        expected = theirs(ids, mask).last_hidden_state[mask.bool()].double()
        with torch.autocast("cpu", torch.bfloat16):
            reference = theirs(ids, mask).last_hidden_state[mask.bool()].double()
            actual = model(ids, mask).last_hidden_state[mask.bool()]
    assert actual.dtype == torch.float32
    error = (actual.double() - expected).norm() / expected.norm()
    assert error <= 1.25 * (reference - expected).norm() / expected.norm()


INT8 = ours.Precision(torch.float32, torch.int8)
CPU = torch.device("cpu")


def test_int8(model, prepared_calls):
    expected = _predict(model).last_hidden_state
    with INT8.active(CPU):
        actual = _predict(model).last_hidden_state
        assert 0 < (actual - expected).norm() / expected.norm() < 0.1
        # Training is in float32 all the same.
        rows = model.train().forward_packed(packed_batch(LENGTHS)).last_hidden_state
    rows.sum().backward()
    assert model.encoder.layer[0].output.dense.weight.grad.dtype == torch.float32
    close(_predict(model.eval()).last_hidden_state, expected, 1e-5)


def test_int8_is_of_one_thread_and_ends_with_its_block(model):
    expected = _predict(model).last_hidden_state
    with ThreadPoolExecutor(1) as pool, INT8.active(CPU):
        other = pool.submit(_predict, model).result().last_hidden_state
        with ours.Precision.named("fp32", CPU).active(CPU):
            inner = _predict(model).last_hidden_state
        outer = _predict(model).last_hidden_state
    assert torch.equal(other, expected)
    assert torch.equal(inner, expected)
    assert not torch.equal(outer, expected)


def test_int8_is_for_the_cpu():
    config = ours.DebertaV2Config.from_dict(huggingface.VARIANTS["v3"])
    with torch.device("meta"):
        model = models.DebertaV2Model(config)
    pieces = ours.PackedPieces.from_lengths(torch.zeros(3, device="meta").long(), [3])
    with INT8.active(torch.device("meta")), pytest.raises(ValueError, match="E124"):
        _predict(model.eval(), pieces)


def test_int8_beside_half_precision(model):
    expected = _predict(model).last_hidden_state
    with ours.Precision(torch.bfloat16, torch.int8).active(CPU):
        mixed = _predict(model).last_hidden_state
    with INT8.active(CPU):
        half = _predict(model.to(torch.bfloat16)).last_hidden_state
    assert (mixed.dtype, half.dtype) == (torch.float32, torch.bfloat16)
    for rows in (mixed, half):
        assert (rows.float() - expected).norm() / expected.norm() < 0.1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_int8_weights_have_to_be_numbers(model, name, value):
    with torch.no_grad():
        getattr(model.encoder.layer[1].output.dense, name)[3] = value
    with INT8.active(CPU), pytest.raises(ValueError, match="E125"):
        _predict(model)

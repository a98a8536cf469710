"""An encoder on another device than thinc's layers: `test_device.py` runs this by itself."""

import numpy as np
import pytest
import spacy
import torch
from thinc.api import Adam, RAdam

from spacy_deberta.layers import get_encoder
from tests.pipeline.devices.other_memory import FAR, FarDevice
from tests.pipeline.pipelines import TRAIN_DATA, make_examples, make_pipeline

TEXTS = [text for text, _ in TRAIN_DATA]
RESOLVE = "spacy_deberta.layers.encoder.encoder_shim.resolve_device"


@pytest.fixture
def far(monkeypatch):
    """A device that `device = "cuda"` stands for."""
    with FarDevice() as device:
        found = {None: "cpu", "cpu": "cpu", "cuda": f"{FAR}:0"}
        monkeypatch.setattr(RESOLVE, lambda name: torch.device(found[name]))
        yield device


def _train(nlp, updates=3):
    examples = make_examples(nlp)
    spacy.util.fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    losses = []
    for _ in range(updates):
        found: dict[str, float] = {}
        nlp.update(examples, sgd=optimizer, losses=found, drop=0.0)
        losses.append(found["ner"])
    return optimizer, losses


def _rows(nlp):
    return np.concatenate([doc._.trf_data.tensors[0][0] for doc in nlp.pipe(TEXTS)])


def _weights(nlp):
    return get_encoder(nlp.get_pipe("transformer").model).state_dict()


def _is_on(nlp, device):
    return {tensor.device.type for tensor in _weights(nlp).values()} == {device}


@pytest.mark.parametrize(
    "factory", [pytest.param("transformer", marks=pytest.mark.stock), "deberta"]
)
def test_training_and_prediction_are_those_of_the_cpu(factory, far, tiny_checkpoint, tmp_path):
    near = make_pipeline(tiny_checkpoint, factory=factory)
    nlp = make_pipeline(tiny_checkpoint, factory=factory, device="cuda")
    optimizer, losses = _train(nlp)
    assert _is_on(nlp, FAR)
    assert losses == pytest.approx(_train(near)[1], rel=1e-5)
    for name, weights in _weights(near).items():
        torch.testing.assert_close(_weights(nlp)[name].cpu(), weights, rtol=1e-4, atol=1e-5)
    # The moments stay where their weights are.
    kept = [state for state in optimizer.mom1.values() if isinstance(state, torch.Tensor)]
    assert {state.device.type for state in kept} == {FAR}
    assert len(kept) == len(list(get_encoder(nlp.get_pipe("transformer").model).parameters()))
    np.testing.assert_allclose(_rows(nlp), _rows(near), atol=1e-4)
    assert isinstance(next(nlp.pipe(TEXTS))._.trf_data.tensors[0], np.ndarray)

    # Saved there and loaded on a machine without: the mapped weights are on the CPU.
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path, config={"components.transformer.model.device": "cpu"})
    assert _is_on(loaded, "cpu")
    np.testing.assert_array_equal(_rows(loaded), _rows(loaded.from_bytes(nlp.to_bytes())))
    assert _is_on(spacy.load(tmp_path), FAR)


def test_a_batch_crosses_twice_in_an_update(far, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, device="cuda")
    optimizer, _ = _train(nlp)
    far.copies.clear()
    _rows(nlp)
    # One copy that waits for the device: the rows of the batch.
    assert far.copies["to cpu"] == 1
    assert far.copies["waits"] == 0
    far.copies.clear()
    nlp.update(make_examples(nlp), sgd=optimizer, drop=0.0)
    assert far.copies["to cpu"] + far.copies["waits"] <= 2


def test_averages_and_single_updates_are_on_the_device(far, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, device="cuda")
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    averaged = Adam(0.001, use_averages=True)
    for _ in range(2):
        nlp.update(examples, sgd=averaged, drop=0.0)
    before = _rows(nlp)
    with nlp.use_params(averaged.averages):
        assert np.abs(_rows(nlp) - before).max() > 0
    np.testing.assert_array_equal(_rows(nlp), before)
    # An optimizer that is called for each parameter.
    nlp.update(examples, sgd=RAdam(0.001), drop=0.0)
    assert np.abs(_rows(nlp) - before).max() > 0
    assert _is_on(nlp, FAR)


def test_an_optimizer_that_updates_later_is_refused(far, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, device="cuda")
    _train(nlp, updates=1)  # the gradient of the first update is zero
    examples = make_examples(nlp)
    with pytest.raises(ValueError, match="E521"):
        nlp.update(examples, sgd=lambda key, weights, gradient, **_: (weights, gradient))


def test_precision_is_that_of_the_device(far, tiny_checkpoint, monkeypatch):
    monkeypatch.setattr("spacy_deberta.nn.ops.processor.has_bf16", lambda: True)
    found = {}
    for device in ("cuda", "cpu"):
        nlp = make_pipeline(tiny_checkpoint, device=device)
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        shim = nlp.get_pipe("transformer").model.layers[1].shims[0]
        found[device] = shim.precision.compute
    assert found == {"cuda": torch.float32, "cpu": torch.bfloat16}

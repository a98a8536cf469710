"""The model: padded and packed input, dropout, checkpointing, threads, copies, bad input."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spacy_deberta import models
from spacy_deberta import nn as ours
from tests import huggingface
from tests.nn.common import close, model_like, packed_batch, padded_batch

LENGTHS = [31, 5, 1, 40, 33]


@pytest.mark.parametrize("attention", ours.ATTENTION_KERNELS)
@pytest.mark.parametrize("variant", ["v3", "v2", "absolute-positions"])
def test_packed_is_padded_without_padding(variant, attention):
    ids, mask = padded_batch(LENGTHS)
    model = model_like(variant, attention=attention)
    wanted = {"output_hidden_states": True, "output_attentions": True}
    with torch.no_grad():
        padded = model(ids, mask, **wanted)
        pieces = ours.PackedPieces.from_lengths(ids[mask.bool()], LENGTHS)
        packed = model.forward_packed(pieces, **wanted)
    assert packed.last_hidden_state.shape == (sum(LENGTHS), 32)
    assert torch.equal(packed.last_hidden_state, padded.last_hidden_state[mask.bool()])
    assert torch.equal(packed.hidden_states[1], padded.hidden_states[1][mask.bool()])
    for layer in range(2):
        for index, length in enumerate(LENGTHS):
            assert packed.attentions[layer][index].shape == (4, length, length)
            whole = padded.attentions[layer][index]
            assert torch.equal(whole[:, :length, :length], packed.attentions[layer][index])
            assert not whole[:, length:].any()
            assert not whole[:, :, length:].any()


@pytest.mark.parametrize("attention", ours.ATTENTION_KERNELS)
@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_a_sequence_does_not_depend_on_its_batch(variant, attention):
    ids, mask = padded_batch(LENGTHS)
    model = model_like(variant, attention=attention)
    with torch.no_grad():
        together = model(ids, mask).last_hidden_state
        for index, length in enumerate(LENGTHS):
            alone = model(ids[index : index + 1, :length]).last_hidden_state[0]
            close(together[index, :length], alone, 1e-5)


@pytest.mark.parametrize("attention", ours.ATTENTION_KERNELS)
@pytest.mark.parametrize("variant", ["v3", "v2", "absolute-positions"])
@pytest.mark.parametrize("lengths", [[], [0], [0, 3, 0]])
def test_empty_batches_and_sequences(variant, attention, lengths):
    pieces = ours.PackedPieces.from_lengths(torch.arange(sum(lengths)) + 1, lengths)
    model = model_like(variant, attention=attention)
    output = model.forward_packed(pieces, output_attentions=True)
    assert output.last_hidden_state.shape == (sum(lengths), 32)
    assert [len(layer) for layer in output.attentions] == [len(lengths)] * 2
    padded = torch.ones(2, 0, dtype=torch.long)
    assert model(padded, output_attentions=True).last_hidden_state.shape == (2, 0, 32)


def _one_dropout(model, name):
    """A model in training in which only one dropout is left."""
    model.set_dropout(0.0)
    parts = dict(model.named_modules())
    parts[name].p = 0.5
    return model.train()


@pytest.mark.parametrize("attention", ours.ATTENTION_KERNELS)
@pytest.mark.parametrize(
    "name",
    [
        "embeddings.dropout",
        "encoder.layer.0.attention.self.dropout",
        "encoder.layer.1.attention.self.pos_dropout",
        "encoder.layer.1.attention.output.dropout",
        "encoder.layer.1.output.dropout",
        "encoder.conv.dropout",
    ],
)
def test_dropout_reaches(name, attention):
    pieces = packed_batch([9, 12])
    model = _one_dropout(model_like("v2", attention=attention), name)
    with torch.no_grad():
        first, second = (model.forward_packed(pieces).last_hidden_state for _ in range(2))
        assert not torch.equal(first, second)
        model.eval()
        first, second = (model.forward_packed(pieces).last_hidden_state for _ in range(2))
        assert torch.equal(first, second)


def test_set_dropout():
    model = model_like("v2", hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3)

    def rates():
        return {
            name: part.p
            for name, part in model.named_modules()
            if isinstance(part, torch.nn.Dropout)
        }

    before = rates()
    assert set(before.values()) == {0.2, 0.3}
    model.set_dropout(0.45)
    assert set(rates().values()) == {0.45}
    model.set_dropout(None)
    assert rates() == before
    for rate in (1.0, -0.1, True, "0.1"):
        with pytest.raises(ValueError, match="E116"):
            model.set_dropout(rate)


def test_no_dropout_in_training_is_evaluation():
    pieces, model = packed_batch(LENGTHS), model_like("v2")
    expected = model.forward_packed(pieces).last_hidden_state
    model.set_dropout(0.0)
    close(model.train().forward_packed(pieces).last_hidden_state, expected, 1e-6)


def _step(model, pieces):
    torch.manual_seed(7)
    model.zero_grad()
    rows = model.forward_packed(pieces).last_hidden_state
    (rows * torch.linspace(-1, 1, rows.numel()).view_as(rows)).sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_gradient_checkpointing(variant):
    pieces, model = packed_batch(LENGTHS), model_like(variant).train()
    calls = []
    dense = model.encoder.layer[0].intermediate.dense
    dense.register_forward_hook(lambda *_: calls.append(1))
    expected = _step(model, pieces)
    assert len(calls) == 1
    model.gradient_checkpointing_enable()
    actual = _step(model, pieces)
    assert len(calls) == 3, "the layer has to be computed a second time"
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        close(actual[name], gradient, 1e-6)
    model.gradient_checkpointing_disable()
    _step(model, pieces)
    assert len(calls) == 4


def test_meta_device_and_assigned_weights():
    state = huggingface.shared_model("v2").state_dict()
    config = ours.DebertaV2Config.from_dict(huggingface.VARIANTS["v2"])
    with torch.device("meta"):
        model = models.DebertaV2Model(config)
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert not list(model.buffers())
    model.load_state_dict(state, assign=True)
    pieces = packed_batch(LENGTHS)
    expected = model_like("v2").forward_packed(pieces).last_hidden_state
    assert torch.equal(model.eval().forward_packed(pieces).last_hidden_state, expected)


def test_copies_and_pickles():
    pieces, model = packed_batch(LENGTHS), model_like("v2")
    expected = model.forward_packed(pieces).last_hidden_state
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other.forward_packed(pieces).last_hidden_state, expected)
        assert other.state_dict().keys() == model.state_dict().keys()


def test_threads_share_a_model():
    model = model_like("v2")
    batches = [packed_batch([n, 3 * n + 1, 7], seed=n) for n in range(1, 13)]

    def predict(pieces):
        with torch.inference_mode():
            return model.forward_packed(pieces).last_hidden_state

    expected = [predict(pieces) for pieces in batches]
    before = {key: id(value) for key, value in vars(model.encoder).items()}
    with ThreadPoolExecutor(2) as pool:
        actual = list(pool.map(predict, batches * 4))
    for index, rows in enumerate(actual):
        assert torch.equal(rows, expected[index % len(batches)])
    assert before == {key: id(value) for key, value in vars(model.encoder).items()}


def test_trains_after_inference_mode():
    pieces, model = packed_batch([23, 19], seed=3), model_like("v3")
    with torch.inference_mode():
        model.forward_packed(pieces)
    assert _step(model.train(), pieces)


@pytest.mark.parametrize(
    ("variant", "inputs", "hint"),
    [
        ("v3", {"input_ids": [[1, 97]]}, "'input_ids' contains 97, but only 0 to 96"),
        ("v3", {"input_ids": [[-1, 5]]}, "'input_ids' contains -1"),
        (
            "token-types",
            {"input_ids": [[1]], "token_type_ids": [[3]]},
            "'token_type_ids' contains 3",
        ),
        ("absolute-positions", {"input_ids": [[1]], "position_ids": [[512]]}, "contains 512"),
        ("absolute-positions", {"input_ids": [[1] * 513]}, "512.* windows"),
    ],
)
def test_refused(variant, inputs, hint):
    tensors = {name: torch.tensor(values) for name, values in inputs.items()}
    with pytest.raises(ValueError, match=f"E112.*{hint}"):
        model_like(variant)(**tensors)


@pytest.mark.parametrize("trains", [False, True])
def test_freed_memory_is_kept_for_the_next_batch(trains, monkeypatch):
    """More in training, also if the embeddings are frozen."""
    kept = []
    monkeypatch.setattr(models.model, "keep_freed_memory", kept.append)
    model = model_like("v3")
    model.embeddings.requires_grad_(False)
    with torch.set_grad_enabled(trains):
        model(input_ids=torch.tensor([[1, 5, 2]]))
    assert kept == [2**30 if trains else 2**26]


@pytest.mark.parametrize("flag", ["cuda_graphs", "keep_positions"])
def test_flags_are_booleans(flag):
    with pytest.raises(ValueError, match=f"E413.*{flag}"):
        models.DebertaV2Model(ours.DebertaV2Config(hidden_size=24, vocab_size=3), **{flag: "yes"})


def test_unknown_kernel():
    with pytest.raises(ValueError, match="E113"):
        models.DebertaV2Model(ours.DebertaV2Config(hidden_size=24, vocab_size=3), attention="fast")

"""The encoder against Hugging Face's, on the real rows of padded batches."""

import pytest
import torch

from spacy_deberta import nn as ours
from tests import huggingface
from tests.nn.common import close, model_like, padded_batch

KERNELS = list(ours.ATTENTION_KERNELS)
# Conv layers of Hugging Face need a mask of whole numbers.
VALUES, GRADIENTS = 1e-5, 1e-4


def _inputs(variant, ids, mask):
    inputs = {"input_ids": ids, "attention_mask": mask}
    if huggingface.VARIANTS[variant]["type_vocab_size"]:
        inputs["token_type_ids"] = ids % 3
    return inputs


def _real_attentions(attentions, mask):
    """Only entries between pieces: for padding, Hugging Face's values are arbitrary."""
    pairs = (mask[:, :, None] * mask[:, None, :])[:, None]
    return [layer * pairs for layer in attentions]


def _compare(variant, ids, mask, *, attention="auto", **changes):
    inputs = _inputs(variant, ids, mask)
    wanted = {"output_hidden_states": True, "output_attentions": True}
    with torch.no_grad():
        expected = huggingface.shared_model(variant)(**inputs, **wanted)
        model = model_like(variant, attention=attention, **changes)
        actual = model(**inputs, **wanted)
        fused = model(**inputs)
    real = mask.bool()
    close(fused.last_hidden_state[real], expected.last_hidden_state[real], VALUES)
    close(actual.last_hidden_state[real], expected.last_hidden_state[real], VALUES)
    assert not actual.last_hidden_state[~real].any()
    assert len(actual.hidden_states) == len(expected.hidden_states)
    for mine, theirs in zip(actual.hidden_states, expected.hidden_states, strict=True):
        close(mine[real], theirs[real], VALUES)
    expected_attentions = _real_attentions(expected.attentions, mask)
    for mine, theirs in zip(actual.attentions, expected_attentions, strict=True):
        close(mine, theirs, VALUES)


@pytest.mark.parametrize("attention", KERNELS)
@pytest.mark.parametrize("variant", huggingface.VARIANTS)
@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_variants_of_mixed_lengths(variant, left, attention):
    _compare(variant, *padded_batch([31, 5, 1, 40, 33], left=left), attention=attention)


@pytest.mark.parametrize("attention", KERNELS)
@pytest.mark.parametrize("variant", ["v3", "v2"])
@pytest.mark.parametrize("length", [1, 2, 31, 128, 129, 300, 512])
def test_lengths(length, variant, attention):
    _compare(variant, *padded_batch([length]), attention=attention)


@pytest.mark.parametrize("attention", KERNELS)
def test_beyond_the_training_length(attention):
    ids, mask = padded_batch([600, 590])
    _compare("v3", ids, mask, attention=attention, far_positions="huggingface")


@pytest.mark.parametrize("variant", ["no-buckets", "few-buckets"])
def test_distances_beyond_the_table(variant):
    _compare(variant, *padded_batch([140, 128]), far_positions="huggingface")


@pytest.mark.parametrize("variant", ["v3", "token-types"])
def test_input_ids_without_other_inputs(variant):
    ids, _ = padded_batch([17, 17])
    with torch.no_grad():
        expected = huggingface.shared_model(variant)(ids)
        actual = model_like(variant)(ids)
    close(actual.last_hidden_state, expected.last_hidden_state, VALUES)


@pytest.mark.parametrize("variant", ["v3", "absolute-positions", "narrow-embeddings"])
def test_embeddings_in_place_of_ids(variant):
    ids, mask = padded_batch([9, 6], left=True)
    table = huggingface.shared_model(variant).embeddings.word_embeddings
    with torch.no_grad():
        inputs = {"inputs_embeds": table(ids), "attention_mask": mask}
        expected = huggingface.shared_model(variant)(**inputs)
        actual = model_like(variant)(**inputs)
    close(actual.last_hidden_state[mask.bool()], expected.last_hidden_state[mask.bool()], VALUES)


def test_given_positions():
    ids, mask = padded_batch([9, 6])
    positions = torch.arange(9).flip(0)[None] * 7
    with torch.no_grad():
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        expected = huggingface.shared_model("absolute-positions")(**inputs)
        actual = model_like("absolute-positions")(**inputs)
    close(actual.last_hidden_state[mask.bool()], expected.last_hidden_state[mask.bool()], VALUES)


@pytest.mark.parametrize("attention", KERNELS)
def test_layer_with_other_queries(attention):
    """The enhanced mask decoder runs the last layer with other queries."""
    ids, mask = padded_batch([17])
    theirs, model = huggingface.shared_model(), model_like(attention=attention)
    states, queries = torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(2))
    pieces = ours.PackedPieces.from_padded(ids)
    with torch.no_grad():
        expected, _ = theirs.encoder.layer[1](
            states[None],
            theirs.encoder.get_attention_mask(mask),
            query_states=queries[None],
            relative_pos=theirs.encoder.get_rel_pos(states[None]),
            rel_embeddings=theirs.encoder.get_rel_embedding(),
        )
        context = model.encoder.context(pieces, ours.resolve_attention(attention))
        actual, _ = model.encoder.layer[1](states, context, query_states=queries)
    close(actual, expected[0], VALUES)


def test_tuple_output():
    ids, mask = padded_batch([4, 3])
    rows, states = model_like()(ids, mask, output_hidden_states=True, return_dict=False)
    assert rows.shape == (2, 4, 32)
    assert len(states) == 3


def _gradients(model, inputs, real, weights):
    model.zero_grad()
    output = model(**inputs, output_hidden_states=True)
    rows = output.last_hidden_state + 0.5 * output.hidden_states[1]
    (rows[real] * weights).sum().backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


@pytest.mark.parametrize("attention", KERNELS)
@pytest.mark.parametrize("variant", huggingface.VARIANTS)
def test_gradients(variant, attention):
    ids, mask = padded_batch([31, 5, 1, 40, 33])
    inputs, real = _inputs(variant, ids, mask), mask.bool()
    weights = torch.randn(int(mask.sum()), 32, generator=torch.Generator().manual_seed(1))
    expected = _gradients(huggingface.make_model(variant), inputs, real, weights)
    actual = _gradients(model_like(variant, attention=attention), inputs, real, weights)
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        close(actual[name], gradient, GRADIENTS * largest)
    # A table without a gradient would hide a wrong one.
    if "rel_embeddings" in str(expected.keys()):
        assert expected["encoder.rel_embeddings.weight"].abs().max() > 0.01 * largest


@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_gradients_of_long_sequences(variant):
    ids, mask = padded_batch([300, 260])
    inputs, real = _inputs(variant, ids, mask), mask.bool()
    weights = torch.randn(int(mask.sum()), 32, generator=torch.Generator().manual_seed(1))
    expected = _gradients(huggingface.make_model(variant), inputs, real, weights)
    actual = _gradients(model_like(variant), inputs, real, weights)
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in expected.items():
        close(actual[name], gradient, GRADIENTS * largest)


@pytest.mark.parametrize("variant", huggingface.VARIANTS)
def test_same_keys(variant):
    expected = huggingface.shared_model(variant).state_dict()
    actual = model_like(variant).state_dict()
    assert {key: value.shape for key, value in actual.items()} == {
        key: value.shape for key, value in expected.items()
    }

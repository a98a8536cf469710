"""The discriminator, compared with its formulas, because Hugging Face has none."""

import pytest
import torch
from torch.nn import functional

from spacy_deberta import models
from spacy_deberta import nn as ours
from tests import huggingface
from tests.nn import plain
from tests.nn.common import close, close_gradients, packed_batch, padded_batch

LENGTHS = [9, 1, 14, 5]


def _model(variant="v3"):
    config = ours.DebertaV2Config.from_dict(huggingface.VARIANTS[variant])
    model = models.DebertaV2ForReplacedTokenDetection(config).eval()
    huggingface.randomize(model)
    return model


@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_the_formulas(variant):
    model, pieces = _model(variant), packed_batch(LENGTHS)
    labels = pieces.input_ids % 3 == 0
    state = plain.leaves(model)
    oracle = plain.PlainDeberta(model.config, state)
    sequences = pieces.input_ids.split(pieces.lengths)
    expected = torch.cat(
        [oracle.replaced_logits(oracle.hidden_states(ids)[-1]) for ids in sequences]
    )
    expected_loss = functional.binary_cross_entropy_with_logits(expected, labels.float())
    expected_loss.backward()
    actual = model.forward_packed(pieces, labels=labels)
    close(actual.logits, expected, 1e-5)
    close(actual.loss, expected_loss, 1e-5)
    actual.loss.backward()
    close_gradients(model, plain.gradients(state))


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_padded(left):
    model = _model()
    ids, mask = padded_batch(LENGTHS, left=left)
    real = mask.bool()
    padded = model(ids, mask, labels=ids % 2, output_hidden_states=True)
    pieces = ours.PackedPieces.from_padded(ids, mask)
    packed = model.forward_packed(pieces, labels=ids[real] % 2)
    assert torch.equal(padded.logits[real], packed.logits)
    assert not padded.logits[~real].any()
    # Labels of padding are ignored.
    assert torch.equal(padded.loss, packed.loss)
    assert padded.hidden_states[0].shape == (4, 14, 32)


def test_pieces_that_do_not_count():
    model, pieces = _model(), packed_batch([4, 3])
    labels = torch.tensor([1, -100, 0, 0, -100, 1, 1])
    output = model.forward_packed(pieces, labels=labels)
    counts = labels != -100
    expected = functional.binary_cross_entropy_with_logits(
        output.logits[counts], labels[counts].float()
    )
    close(output.loss, expected, 1e-6)
    nothing = model.forward_packed(pieces, labels=torch.full((7,), -100))
    assert nothing.loss.item() == 0


def test_empty_sequences_among_others():
    model, ids = _model(), packed_batch([4, 6]).input_ids
    with_gaps = ours.PackedPieces.from_lengths(ids, [0, 4, 0, 6, 0])
    without = ours.PackedPieces.from_lengths(ids, [4, 6])
    expected = model.forward_packed(without).logits
    close(model.forward_packed(with_gaps).logits, expected, 1e-6)


def test_official_keys():
    backbone = {f"deberta.{key}" for key in huggingface.shared_model("v3").state_dict()}
    assert _model().state_dict().keys() == backbone | {
        f"mask_predictions.{part}.{name}"
        for part in ("LayerNorm", "dense", "classifier")
        for name in ("weight", "bias")
    }


def test_refused_labels():
    with pytest.raises(ValueError, match="E117"):
        _model().forward_packed(packed_batch([4, 3]), labels=torch.zeros(2, 4))

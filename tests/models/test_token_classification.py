"""The token classifier against Hugging Face's, and the pooler."""

import pytest
import torch

from spacy_deberta import nn as ours
from spacy_deberta.nn.pooler import ContextPooler
from tests import huggingface
from tests.nn.common import (
    close,
    close_gradients,
    gradients,
    head_pair,
    packed_batch,
    padded_batch,
)

CLS = "DebertaV2ForTokenClassification"


def _pair(variant="v2"):
    return head_pair(CLS, variant, num_labels=5)


def test_logits_loss_and_gradients():
    theirs, model = _pair()
    ids, mask = padded_batch([9, 4, 12])
    labels = (ids % 5).masked_fill((mask == 0) | (ids % 7 == 0), -100)
    wanted = {"labels": labels, "output_hidden_states": True, "output_attentions": True}
    expected = theirs(ids, attention_mask=mask, **wanted)
    actual = model(ids, mask, **wanted)
    close(actual.logits[mask.bool()], expected.logits[mask.bool()], 1e-5)
    close(actual.loss, expected.loss, 1e-5)
    assert not actual.logits[mask == 0].any()
    real = mask.bool()
    close(actual.hidden_states[1][real], expected.hidden_states[1][real], 1e-5)
    assert len(actual.attentions) == 2
    expected.loss.backward()
    actual.loss.backward()
    close_gradients(model, gradients(theirs))


def test_packed():
    _, model = _pair()
    lengths = [9, 4, 12]
    ids, mask = padded_batch(lengths)
    padded = model(ids, mask, labels=ids % 5)
    packed = model.forward_packed(packed_batch(lengths), labels=ids[mask.bool()] % 5)
    assert torch.equal(packed.logits, padded.logits[mask.bool()])
    # Labels of padding are ignored.
    assert torch.equal(packed.loss, padded.loss)


def test_no_piece_counts():
    _, model = _pair()
    output = model.forward_packed(packed_batch([4]), labels=torch.full((4,), -100))
    assert output.loss.item() == 0


def test_tuple_output():
    _, model = _pair()
    ids, mask = padded_batch([3, 2])
    (logits,) = model(ids, mask, return_dict=False)
    loss, again = model(ids, mask, labels=ids % 5, return_dict=False)
    assert logits.shape == (2, 3, 5)
    assert loss.dim() == 0
    assert torch.equal(again, logits)


@pytest.mark.parametrize("training", [False, True])
def test_dropout(training):
    _, model = _pair()
    model.train(training).deberta.set_dropout(0.0)
    pieces = packed_batch([9])
    first, second = (model.forward_packed(pieces).logits for _ in range(2))
    assert torch.equal(first, second) != training


def test_pooler():
    theirs = huggingface.make_model("v3", cls="DebertaV2ForSequenceClassification").pooler
    pooler = ContextPooler(ours.DebertaV2Config.from_dict(huggingface.VARIANTS["v3"])).eval()
    pooler.load_state_dict(theirs.state_dict())
    rows = torch.randn(3, 7, 32)
    close(pooler(rows[:, 0]), theirs(rows), 1e-6)

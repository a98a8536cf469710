"""Question answering, compared with Hugging Face; without padding where it affects the result."""

import pytest
import torch

from spacy_deberta import models
from spacy_deberta import nn as ours
from tests import huggingface
from tests.nn.common import (
    close,
    close_gradients,
    gradients,
    head_pair,
    padded_batch,
)

CLS = "DebertaV2ForQuestionAnswering"
LENGTHS = [9, 4, 12]


@pytest.mark.parametrize("variant", ["v3", "v2"])
@pytest.mark.parametrize("beyond", [False, True], ids=["inside", "beyond"])
def test_logits_loss_and_gradients(beyond, variant):
    theirs, model = head_pair(CLS, variant)
    ids, mask = padded_batch([12, 12, 12])
    start, end = torch.tensor([3, 0, 7]), torch.tensor([[5], [0], [11]])
    if beyond:
        start, end = torch.tensor([3, -4, 12]), torch.tensor([30, 0, 13])
    wanted = {"start_positions": start, "end_positions": end, "output_hidden_states": True}
    expected = theirs(ids, attention_mask=mask, **wanted)
    actual = model(ids, mask, **wanted)
    close(actual.start_logits, expected.start_logits, 1e-5)
    close(actual.end_logits, expected.end_logits, 1e-5)
    close(actual.loss, expected.loss, 1e-5)
    close(actual.hidden_states[-1], expected.hidden_states[-1], 1e-5)
    expected.loss.backward()
    actual.loss.backward()
    close_gradients(model, gradients(theirs))


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_padding_takes_no_part(left):
    theirs, model = head_pair(CLS)
    ids, mask = padded_batch(LENGTHS, left=left)
    real = mask.bool()
    first = 12 - torch.tensor(LENGTHS) if left else torch.zeros(3, dtype=torch.int64)
    start, end = torch.tensor([3, 0, 7]), torch.tensor([5, 3, 11])
    losses = [
        theirs(ids[i][real[i]][None], start_positions=start[i : i + 1], end_positions=end[i, None])
        for i in range(3)
    ]
    expected = torch.stack([output.loss for output in losses]).mean()
    actual = model(ids, mask, start_positions=start + first, end_positions=end + first)
    close(actual.loss, expected, 1e-5)
    starts = torch.cat([output.start_logits[0] for output in losses])
    close(actual.start_logits[real], starts, 1e-5)
    lowest = torch.finfo(torch.float32).min
    assert bool((actual.start_logits[~real] == lowest).all())
    assert bool((actual.end_logits[~real] == lowest).all())
    pieces = ours.PackedPieces.from_padded(ids, mask)
    packed = model.forward_packed(pieces, start_positions=start, end_positions=end)
    assert torch.equal(packed.start_logits, actual.start_logits[real])
    assert torch.equal(packed.end_logits, actual.end_logits[real])
    assert torch.equal(packed.loss, actual.loss)
    actual.loss.backward()
    expected.backward()
    close_gradients(model, gradients(theirs))


def test_no_answer_in_the_window():
    _, model = head_pair(CLS)
    ids, mask = padded_batch(LENGTHS)
    outside = torch.tensor([9, 5, 12])
    output = model(ids, mask, start_positions=outside, end_positions=outside)
    assert output.loss.item() == 0
    output.loss.backward()
    assert all(not p.grad.any() for p in model.parameters())


def test_tuple_output():
    _, model = head_pair(CLS)
    ids, mask = padded_batch(LENGTHS)
    start, end = model(ids, mask, return_dict=False)
    assert start.shape == end.shape == (3, 12)
    positions = torch.tensor([0, 1, 2])
    loss, *_ = model(ids, mask, None, None, None, positions, positions, return_dict=False)
    assert loss.dim() == 0


def test_same_keys():
    theirs, model = head_pair(CLS)
    assert model.state_dict().keys() == theirs.state_dict().keys()


def test_refused():
    config = ours.DebertaV2Config.from_dict({**huggingface.VARIANTS["v3"], "num_labels": 3})
    with pytest.raises(ValueError, match="E120"):
        models.DebertaV2ForQuestionAnswering(config)
    _, model = head_pair(CLS)
    ids, mask = padded_batch(LENGTHS)
    with pytest.raises(ValueError, match="E117"):
        model(ids, mask, start_positions=torch.zeros(2), end_positions=torch.zeros(3))

"""Sequence classification and multiple choice against Hugging Face."""

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
    packed_batch,
    padded_batch,
)

SEQUENCES = "DebertaV2ForSequenceClassification"
CHOICES = "DebertaV2ForMultipleChoice"
LENGTHS = [9, 4, 12]
LABELS = {
    # name: (problem_type, num_labels, labels)
    "by default one number": (None, 1, torch.tensor([0.5, -1.0, 2.0])),
    "by default a class": (None, 4, torch.tensor([3, 0, 1])),
    "by default some classes": (None, 4, torch.tensor([3, -1, 1])),
    "by default a distribution": (None, 2, torch.tensor([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])),
    "one number": ("regression", 1, torch.tensor([0.5, -1.0, 2.0])),
    "numbers": ("regression", 2, torch.tensor([[0.5, -1.0], [2.0, 0.0], [1.0, 1.0]])),
    "a class": ("single_label_classification", 4, torch.tensor([3, 0, 1])),
    "some classes": ("single_label_classification", 4, torch.tensor([3, -100, 1])),
    "labels": (
        "multi_label_classification",
        3,
        torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
    ),
}


@pytest.mark.parametrize("variant", ["v3", "v2"])
@pytest.mark.parametrize("case", LABELS)
def test_logits_loss_and_gradients(case, variant):
    problem_type, num_labels, labels = LABELS[case]
    theirs, model = head_pair(
        SEQUENCES, variant, num_labels=num_labels, problem_type=problem_type, cls_dropout=0.3
    )
    ids, mask = padded_batch(LENGTHS)
    wanted = {"labels": labels, "output_hidden_states": True, "output_attentions": True}
    expected = theirs(ids, attention_mask=mask, **wanted)
    actual = model(ids, mask, **wanted)
    # Hugging Face drops a dimension where it computes the loss of one number.
    close(actual.logits, expected.logits.view(3, num_labels), 1e-5)
    close(actual.loss, expected.loss, 1e-5)
    real = mask.bool()
    close(actual.hidden_states[-1][real], expected.hidden_states[-1][real], 1e-5)
    assert len(actual.attentions) == 2
    expected.loss.backward()
    actual.loss.backward()
    close_gradients(model, gradients(theirs))


@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_sequences_packed(left):
    _, model = head_pair(SEQUENCES)
    ids, mask = padded_batch(LENGTHS, left=left)
    labels = torch.tensor([1, 0, 1])
    padded = model(ids, mask, labels=labels)
    pieces = ours.PackedPieces.from_padded(ids, mask)
    packed = model.forward_packed(pieces, labels=labels)
    assert torch.equal(packed.logits, padded.logits)
    assert torch.equal(packed.loss, padded.loss)


def test_classes_in_a_column():
    _, model = head_pair(SEQUENCES, num_labels=4)
    pieces, labels = packed_batch(LENGTHS), torch.tensor([3, -1, 1])
    flat = model.forward_packed(pieces, labels=labels)
    column = model.forward_packed(pieces, labels=labels[:, None])
    assert torch.equal(column.loss, flat.loss)


def test_whole_numbers_for_one_number():
    _, model = head_pair(SEQUENCES, num_labels=1)
    pieces, labels = packed_batch(LENGTHS), torch.tensor([3, -1, 1])
    whole = model.forward_packed(pieces, labels=labels)
    assert torch.equal(whole.loss, model.forward_packed(pieces, labels=labels.float()).loss)


def test_no_class_known():
    _, model = head_pair(SEQUENCES)
    output = model.forward_packed(packed_batch([4]), labels=torch.tensor([-1]))
    assert output.loss.item() == 0


@pytest.mark.parametrize(
    ("problem_type", "labels"),
    [
        ("regression", torch.zeros(2)),
        ("multi_label_classification", torch.zeros(2)),
        ("single_label_classification", torch.zeros(2, 3)),
        (None, torch.zeros(3, dtype=torch.int64)),
        (None, torch.zeros(2, 2)),
    ],
)
def test_refused_labels(problem_type, labels):
    config = ours.DebertaV2Config.from_dict(
        {**huggingface.VARIANTS["v3"], "num_labels": 3, "problem_type": problem_type}
    )
    model = models.DebertaV2ForSequenceClassification(config)
    with pytest.raises(ValueError, match="E117"):
        model.forward_packed(packed_batch([4, 3]), labels=labels)


def test_an_empty_sequence_has_no_answer():
    _, model = head_pair(SEQUENCES)
    pieces = ours.PackedPieces.from_lengths(torch.tensor([5, 6]), [2, 0])
    with pytest.raises(ValueError, match="E119"):
        model.forward_packed(pieces)


@pytest.mark.parametrize("cls", [SEQUENCES, CHOICES])
def test_same_keys(cls):
    theirs, model = head_pair(cls, "v2")
    assert model.state_dict().keys() == theirs.state_dict().keys()


@pytest.mark.parametrize("rate", [None, 0.4])
def test_dropout_of_the_classifier(rate):
    config = {**huggingface.VARIANTS["v3"], "hidden_dropout_prob": 0.2}
    values = config if rate is None else {**config, "cls_dropout": rate}
    for cls in (SEQUENCES, CHOICES):
        model = getattr(models, cls)(ours.DebertaV2Config.from_dict(values))
        assert model.dropout.p == (rate or 0.2)


def _choices():
    """Two questions of three choices."""
    ids, mask = padded_batch([9, 4, 12, 5, 7, 11])
    return ids.view(2, 3, 12), mask.view(2, 3, 12), torch.tensor([2, 0])


@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_choices_against_hugging_face(variant):
    theirs, model = head_pair(CHOICES, variant)
    ids, mask, labels = _choices()
    expected = theirs(ids, attention_mask=mask, labels=labels, output_hidden_states=True)
    actual = model(ids, mask, labels=labels, output_hidden_states=True)
    close(actual.logits, expected.logits, 1e-5)
    close(actual.loss, expected.loss, 1e-5)
    assert actual.hidden_states[0].shape == expected.hidden_states[0].shape == (6, 12, 32)
    expected.loss.backward()
    actual.loss.backward()
    close_gradients(model, gradients(theirs))


@pytest.mark.parametrize("variant", ["token-types", "absolute-positions"])
def test_further_inputs_of_choices(variant):
    theirs, model = head_pair(CHOICES, variant)
    ids, mask, _ = _choices()
    further = {"token_type_ids": ids % 3, "position_ids": (ids * 3) % 512}
    if variant == "token-types":
        further.pop("position_ids")
    else:
        further["token_type_ids"] = None
    expected = theirs(ids, attention_mask=mask, **further).logits
    close(model(ids, mask, **further).logits, expected, 1e-5)
    words = model.deberta.embeddings.word_embeddings(ids)
    embedded = model(inputs_embeds=words, attention_mask=mask, **further).logits
    close(embedded, expected, 1e-5)


def test_choices_packed():
    _, model = head_pair(CHOICES)
    ids, mask, labels = _choices()
    padded = model(ids, mask, labels=labels)
    pieces = packed_batch([9, 4, 12, 5, 7, 11])
    packed = model.forward_packed(pieces, choices=3, labels=labels)
    assert torch.equal(packed.logits, padded.logits)
    assert torch.equal(packed.loss, padded.loss)
    loss, logits = model(ids, mask, labels=labels, return_dict=False)
    assert torch.equal(loss, padded.loss)
    assert torch.equal(logits, padded.logits)


def test_refused_choices():
    _, model = head_pair(CHOICES)
    ids, mask, _ = _choices()
    for choices in (0, 4):
        with pytest.raises(ValueError, match="E121"):
            model.forward_packed(packed_batch([2] * 6), choices=choices)
    with pytest.raises(ValueError, match="E117"):
        model(ids[0], mask[0])
    with pytest.raises(ValueError, match="E117"):
        model(ids, mask, labels=torch.tensor([1]))
    with pytest.raises(ValueError, match="E109"):
        model()

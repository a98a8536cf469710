"""Masked pieces: the mask decoder against its formulas, the other layouts against Hugging Face."""

import pytest
import torch
from torch.nn import functional

from spacy_deberta import models
from spacy_deberta import nn as ours
from tests import huggingface
from tests.nn import plain
from tests.nn.common import (
    close,
    close_gradients,
    gradients,
    head_pair,
    packed_batch,
    padded_batch,
)

CLS = "DebertaV2ForMaskedLM"
LENGTHS = [9, 1, 14, 5]


def _model(variant="v3", *, layout="emd", attention="auto", **changes):
    config = ours.DebertaV2Config.from_dict({**huggingface.VARIANTS[variant], **changes})
    model = models.DebertaV2ForMaskedLM(config, layout=layout, attention=attention).eval()
    huggingface.randomize(model)
    return model


def _labels(pieces, *, every=4):
    """A label for some pieces of every sequence but the second one."""
    rows = torch.arange(pieces.total_pieces)
    labels = (rows * 7 + 3) % 97
    labels[rows % every != 1] = -100
    labels[9] = -100
    return labels


def _plain_logits(model, state, pieces):
    oracle = plain.PlainDeberta(model.config, state)
    sequences = pieces.input_ids.split(pieces.lengths)
    if model.layout == "emd":
        rows = [oracle.decoded(ids) for ids in sequences]
    else:
        rows = [oracle.hidden_states(ids)[-1] for ids in sequences]
    return oracle.vocabulary_logits(torch.cat(rows))


@pytest.mark.parametrize("layout", ["emd", "plain"])
@pytest.mark.parametrize("variant", ["v3", "v2", "three-layers"])
@pytest.mark.parametrize("attention", list(ours.ATTENTION_KERNELS))
def test_the_formulas(variant, layout, attention):
    # The oracle has only the exact activation.
    model = _model(variant, layout=layout, attention=attention, hidden_act="gelu")
    pieces = packed_batch(LENGTHS)
    labels = _labels(pieces)
    state = plain.leaves(model)
    expected = _plain_logits(model, state, pieces)
    expected_loss = functional.cross_entropy(expected, labels)
    expected_loss.backward()
    close(model.forward_packed(pieces).logits, expected, 1e-5)
    masked = model.forward_packed(pieces, labels=labels)
    assert torch.equal(masked.rows, (labels != -100).nonzero()[:, 0])
    close(masked.logits, expected[masked.rows], 1e-5)
    close(masked.loss, expected_loss, 1e-5)
    masked.loss.backward()
    close_gradients(model, plain.gradients(state))


@pytest.mark.parametrize("layout", ["emd", "plain", "legacy"])
@pytest.mark.parametrize("variant", ["v3", "v2"])
def test_rows_get_what_all_of_them_would(variant, layout):
    model = _model(variant, layout=layout)
    pieces = packed_batch(LENGTHS)
    labels = _labels(pieces)
    every = model.forward_packed(pieces, labels=labels, rows="all")
    assert every.rows is None
    assert every.logits.shape == (29, 97)
    every.loss.backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    masked = model.forward_packed(pieces, labels=labels)
    assert len(masked.logits) == len(masked.rows) < 29
    close(masked.logits, every.logits[masked.rows], 1e-5)
    close(masked.loss, every.loss, 1e-5)
    masked.loss.backward()
    close_gradients(model, {name: expected.get(name) for name, _ in model.named_parameters()})


@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_rows_in_any_order(layout):
    model = _model(layout=layout)
    pieces = packed_batch(LENGTHS)
    rows = torch.tensor([28, 0, 9, 9, 27, 10])
    expected = model.forward_packed(pieces).logits
    actual = model.forward_packed(pieces, rows=rows)
    assert torch.equal(actual.rows, rows)
    close(actual.logits, expected[rows], 1e-5)


def test_empty_sequences_among_others():
    model = _model()
    ids = packed_batch([4, 6]).input_ids
    with_gaps = ours.PackedPieces.from_lengths(ids, [0, 4, 0, 6, 0])
    without = ours.PackedPieces.from_lengths(ids, [4, 6])
    for rows in ("all", torch.tensor([5, 1])):
        expected = model.forward_packed(without, rows=rows).logits
        close(model.forward_packed(with_gaps, rows=rows).logits, expected, 1e-6)


@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_no_row_has_a_label(layout):
    model = _model(layout=layout)
    pieces = packed_batch([4, 3])
    output = model.forward_packed(pieces, labels=torch.full((7,), -100))
    assert output.logits.shape == (0, 97)
    assert output.loss.item() == 0
    output.loss.backward()
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("layout", ["emd", "plain", "legacy"])
@pytest.mark.parametrize("left", [False, True], ids=["right", "left"])
def test_padded(left, layout):
    model = _model(layout=layout)
    ids, mask = padded_batch(LENGTHS, left=left)
    real = mask.bool()
    # Positions are columns, as for all models with absolute positions.
    pieces = ours.PackedPieces.from_padded(ids, mask)
    labels = ids.masked_fill(ids % 3 != 0, -100)
    packed = model.forward_packed(pieces, labels=labels[real])
    padded = model(ids, mask, labels=labels)
    assert torch.equal(padded.logits, packed.logits)
    # Labels of padding are ignored.
    assert torch.equal(padded.loss, packed.loss)
    assert torch.equal(labels.flatten()[padded.rows], labels[real][packed.rows])
    every = model(ids, mask)
    assert torch.equal(every.logits[real], model.forward_packed(pieces).logits)
    assert not every.logits[~real].any()
    asked = model(ids, mask, rows=ids % 5 == 0)
    close(asked.logits, every.logits.flatten(0, 1)[asked.rows], 1e-5)
    assert torch.equal(asked.rows, ((ids % 5 == 0) & real).flatten().nonzero()[:, 0])


def test_given_positions_reach_the_mask_decoder():
    model = _model()
    ids = packed_batch([6]).input_ids
    positions = torch.tensor([5, 0, 2, 2, 300, 511])
    oracle = plain.PlainDeberta(model.config, dict(model.named_parameters()))
    expected = oracle.vocabulary_logits(oracle.decoded(ids, positions))
    pieces = ours.PackedPieces.from_lengths(ids, [6], position_ids=positions)
    close(model.forward_packed(pieces).logits, expected, 1e-5)
    unlike = model.forward_packed(ours.PackedPieces.from_lengths(ids, [6])).logits
    assert (unlike - expected).abs().max() > 0.1


def test_the_encoder_is_the_same_without_its_decoder():
    model = _model("v2")
    pieces = packed_batch(LENGTHS)
    labels = _labels(pieces)
    short = model.forward_packed(pieces, labels=labels)
    wanted = {"output_hidden_states": True, "output_attentions": True}
    full = model.forward_packed(pieces, labels=labels, **wanted)
    expected = model.deberta.forward_packed(pieces, **wanted)
    close(full.logits, short.logits, 1e-5)
    assert short.hidden_states is None
    for mine, theirs in zip(full.hidden_states, expected.hidden_states, strict=True):
        close(mine, theirs, 1e-6)
    assert len(full.attentions) == 2


@pytest.mark.parametrize("variant", ["v3", "v2", "narrow-embeddings", "absolute-positions"])
def test_legacy_against_hugging_face(variant):
    theirs, model = head_pair(CLS, variant)
    assert model.layout == "legacy"
    ids, mask = padded_batch(LENGTHS)
    labels = ids.masked_fill((mask == 0) | (ids % 3 != 0), -100)
    expected = theirs(ids, attention_mask=mask, labels=labels)
    every = model(ids, mask, labels=labels, rows="all")
    close(every.logits[mask.bool()], expected.logits[mask.bool()], 1e-5)
    close(every.loss, expected.loss, 1e-5)
    actual = model(ids, mask, labels=labels)
    close(actual.loss, expected.loss, 1e-5)
    expected.loss.backward()
    actual.loss.backward()
    close_gradients(model, gradients(theirs))


def test_legacy_keys():
    theirs, model = head_pair(CLS)
    tied = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    assert model.state_dict().keys() == theirs.state_dict().keys() - tied


def test_plain_is_what_hugging_face_means_by_not_legacy():
    model = _model("absolute-positions", layout=None, legacy=False, embedding_size=32)
    assert model.layout == "plain"
    transformers = pytest.importorskip("transformers")
    config = transformers.DebertaV2Config(
        **{**huggingface.VARIANTS["absolute-positions"], "legacy": False, "embedding_size": 32},
        # Otherwise Hugging Face ties the wrong matrix, and fails.
        tie_word_embeddings=False,
    )
    theirs = transformers.DebertaV2ForMaskedLM(config).eval()
    theirs.load_state_dict(model.state_dict())
    ids, mask = padded_batch(LENGTHS)
    expected = theirs(ids, attention_mask=mask).logits[mask.bool()]
    close(model(ids, mask).logits[mask.bool()], expected, 1e-5)


def test_official_keys():
    keys = _model("v2").state_dict().keys()
    backbone = {f"deberta.{key}" for key in huggingface.shared_model("v2").state_dict()}
    assert keys == backbone | {
        "deberta.embeddings.position_embeddings.weight",
        "lm_predictions.lm_head.dense.weight",
        "lm_predictions.lm_head.dense.bias",
        "lm_predictions.lm_head.LayerNorm.weight",
        "lm_predictions.lm_head.LayerNorm.bias",
        "lm_predictions.lm_head.bias",
    }
    plain_keys = _model("v2", layout="plain").state_dict().keys()
    assert plain_keys == keys - {"deberta.embeddings.position_embeddings.weight"}


@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_fresh_weights(layout):
    model = _model(layout=layout)
    model.init_weights(torch.Generator().manual_seed(1))
    for name, parameter in model.named_parameters():
        assert bool(parameter.any()) != name.endswith("bias"), name


def test_dropout_in_training():
    model = _model().train()
    pieces = packed_batch(LENGTHS)
    first, second = (model.forward_packed(pieces, labels=_labels(pieces)).logits for _ in range(2))
    assert not torch.equal(first, second)
    model.deberta.set_dropout(0.0)
    model.eval()
    expected = model.forward_packed(pieces, labels=_labels(pieces)).logits
    model.train()
    actual = model.forward_packed(pieces, labels=_labels(pieces)).logits
    close(actual, expected, 1e-6)


def test_half_precision():
    model = _model()
    pieces = packed_batch(LENGTHS)
    expected = model.forward_packed(pieces, labels=_labels(pieces))
    actual = model.to(torch.bfloat16).forward_packed(pieces, labels=_labels(pieces))
    assert actual.loss.dtype == torch.float32
    assert actual.loss.item() == pytest.approx(expected.loss.item(), rel=0.05)


def test_tuple_output():
    model = _model()
    ids, mask = padded_batch([3, 2])
    loss, logits, rows = model(ids, mask, labels=ids, return_dict=False)
    assert loss.dim() == 0
    assert logits.shape == (5, 97)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    (every,) = model(ids, mask, return_dict=False)
    assert every.shape == (2, 3, 97)


@pytest.mark.parametrize(
    ("variant", "layout", "changes", "code"),
    [
        ("v3", "mystery", {}, "E104"),
        ("absolute-positions", "emd", {}, "E120"),
        ("narrow-embeddings", "emd", {}, "E120"),
        ("v3", "emd", {"num_hidden_layers": 0}, "E120"),
        ("v3", "legacy", {"tie_word_embeddings": False}, "E120"),
    ],
)
def test_refused_layouts(variant, layout, changes, code):
    with pytest.raises(ValueError, match=code):
        _model(variant, layout=layout, **changes)


@pytest.mark.parametrize("row", [-1, 7])
@pytest.mark.parametrize("layout", ["emd", "legacy"])
def test_refused_rows(row, layout):
    with pytest.raises(ValueError, match="E118"):
        _model(layout=layout).forward_packed(packed_batch([4, 3]), rows=torch.tensor([0, row]))


def test_refused_inputs():
    model = _model()
    with pytest.raises(ValueError, match="E117"):
        model.forward_packed(packed_batch([4, 3]), labels=torch.zeros(2, 4))
    with pytest.raises(ValueError, match="E112"):
        model.forward_packed(packed_batch([513]))

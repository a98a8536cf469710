"""The two objectives, compared with a direct implementation of the papers."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from spacy_deberta.nn import PackedPieces
from spacy_deberta.pretraining.building import (
    masked_language_modelling_v1,
    replaced_token_detection_v1,
)
from spacy_deberta.pretraining.masking.masking import mask_sequences
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.objectives.replaced_token_detection import sample_pieces
from spacy_deberta.pretraining.objectives.shared_embeddings import whole_weights

CPU = torch.device("cpu")
WORDS = "deberta.embeddings.word_embeddings.weight"
DIFFERENCE = "deberta.embeddings.word_embeddings.parametrizations.weight.original"


@pytest.fixture
def make_batch(sequences, table):
    def make(objective):
        ids, lengths, keys = sequences
        masked = mask_sequences(ids, lengths, keys, masking=objective.masking, table=table)
        return MaskedBatch.from_masked(masked, CPU)

    return make


def plain_labels(batch):
    labels = torch.full((batch.pieces.total_pieces,), -100)
    labels[batch.rows] = batch.originals
    return labels


def test_masked_language_modelling_is_the_mean_over_hidden_pieces(source, tokenizer, make_batch):
    objective = masked_language_modelling_v1()(source, tokenizer)
    batch = make_batch(objective)
    (phase,) = objective.phases
    output = objective.run(phase, batch)
    # The head's own loss over all rows, decoded as in the authors' code, is an independent path.
    labels = plain_labels(batch)
    logits = objective.model.forward_packed(batch.pieces, rows="all").logits
    counted = objective.counted(phase, batch)
    assert counted == int((labels != -100).sum()) > 100
    expected = functional.cross_entropy(logits, labels, ignore_index=-100)
    torch.testing.assert_close(output.loss / counted, expected, rtol=1e-5, atol=0)
    right = ((logits.argmax(-1) == labels) & (labels != -100)).sum()
    assert output.correct == right
    assert objective.model.layout == "emd"


def test_replaced_token_detection_fills_and_labels(source, tokenizer, make_batch):
    objective = replaced_token_detection_v1()(source, tokenizer)
    batch = make_batch(objective)
    generate, detect = objective.phases
    filled = objective.run(generate, batch).batch
    whole = batch.pieces.input_ids.clone()
    whole[batch.rows] = batch.originals
    changed = filled.pieces.input_ids != whole
    # A piece is replaced if it differs from the text, which is possible only at masked positions.
    torch.testing.assert_close(filled.replaced, changed.float())
    places = torch.zeros_like(changed)
    places[batch.rows] = True
    assert changed[places].float().mean() > 0.5
    assert not changed[~places].any()
    output = objective.run(detect, filled)
    assert objective.counted(detect, filled) == len(whole)
    plain = objective.discriminator.forward_packed(
        PackedPieces.from_lengths(filled.pieces.input_ids, filled.pieces.lengths),
        labels=changed.float(),
    )
    torch.testing.assert_close(output.loss / len(whole), plain.loss, rtol=1e-5, atol=0)
    found = plain.logits > 0
    assert output.correct == (found == changed).sum()
    assert [int(x) for x in output.hits] == [int((found & changed).sum()), int(changed.sum())]


def test_embeddings_are_shared_and_their_gradients_are_not(source, tokenizer, make_batch):
    objective = replaced_token_detection_v1()(source, tokenizer)
    generator, discriminator = objective.generator, objective.discriminator
    batch = make_batch(objective)
    generate, detect = objective.phases
    table = generator.state_dict()[WORDS]
    torch.testing.assert_close(whole_weights(discriminator)[WORDS], table, rtol=0, atol=0)
    filled = objective.run(generate, batch).batch
    objective.run(detect, filled).loss.backward()
    assert all(parameter.grad is None for parameter in generator.parameters())
    difference = dict(discriminator.named_parameters())[DIFFERENCE]
    assert difference.grad.abs().sum() > 0
    # An update of the generator changes the discriminator, but not vice versa.
    with torch.no_grad():
        generator.get_parameter(WORDS).add_(1.0)
        difference.add_(2.0)
    torch.testing.assert_close(whole_weights(discriminator)[WORDS], table + 2)
    objective.run(generate, batch).loss.backward()
    assert generator.get_parameter(WORDS).grad.abs().sum() > 0


def test_the_gradient_of_the_difference_is_that_of_the_whole_table(source, tokenizer, make_batch):
    objective = replaced_token_detection_v1()(source, tokenizer)
    batch = make_batch(objective)
    generate, detect = objective.phases
    filled = objective.run(generate, batch).batch
    objective.run(detect, filled).loss.backward()
    plain = type(objective.discriminator)(objective.discriminator.config)
    plain.load_state_dict(whole_weights(objective.discriminator))
    logits = plain.forward_packed(filled.pieces).logits
    functional.binary_cross_entropy_with_logits(logits, filled.replaced, reduction="sum").backward()
    found = dict(objective.discriminator.named_parameters())
    for name, parameter in plain.named_parameters():
        own = found[DIFFERENCE if name == WORDS else name].grad
        torch.testing.assert_close(own, parameter.grad, rtol=1e-4, atol=1e-6)


def test_pieces_are_drawn_from_their_distribution():
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0)) * 2
    count = 100_000
    noise = (torch.arange(count) + 0.5) / count
    for row in logits:
        drawn = sample_pieces(row.expand(count, -1), noise)
        shares = np.bincount(drawn.numpy(), minlength=50) / count
        np.testing.assert_allclose(shares, row.softmax(-1).numpy(), atol=2e-5)
    # Extreme noise gives ids within the vocabulary, for any rounding of the sum.
    ends = torch.tensor([0.0, np.nextafter(np.float32(1), np.float32(0))])
    drawn = sample_pieces(torch.full((2, 1001), 0.1), ends)
    assert drawn.tolist() == [0, 1000]


def test_a_saved_objective_has_the_same_losses(source, tokenizer, make_batch, tmp_path):
    objective = replaced_token_detection_v1()(source, tokenizer)
    with torch.no_grad():
        for module in objective.modules.values():
            for parameter in module.parameters():
                parameter.add_(torch.randn(parameter.shape) * 0.02)
    objective.save(tmp_path, tokenizer)
    again = replaced_token_detection_v1()(type(source)(name=str(tmp_path)), tokenizer)
    batch = make_batch(objective)
    for own, other in zip(objective.phases, again.phases, strict=True):
        first, second = objective.run(own, batch), again.run(other, batch)
        torch.testing.assert_close(first.loss, second.loss, rtol=1e-5, atol=0)
        batch = first.batch


def test_a_checkpoint_without_a_generator_gets_one_of_its_lower_layers(source, tokenizer, tmp_path):
    objective = replaced_token_detection_v1()(source, tokenizer)
    objective.save(tmp_path, tokenizer)
    for path in sorted((tmp_path / "generator").iterdir()):
        path.unlink()
    (tmp_path / "generator").rmdir()
    again = replaced_token_detection_v1()(type(source)(name=str(tmp_path)), tokenizer)
    assert again.generator.config.num_hidden_layers == 1
    own = again.discriminator.state_dict()
    for name, tensor in again.generator.state_dict().items():
        if name in own:
            torch.testing.assert_close(tensor, own[name])
    torch.testing.assert_close(
        again.generator.state_dict()[WORDS], whole_weights(again.discriminator)[WORDS]
    )

import numpy as np
import pytest
import spacy
import torch
from spacy.training import Example
from thinc.api import SGD, Adam, set_dropout_rate

from tests.pipeline.pipelines import (
    FACTORIES,
    encoder_of,
    make_examples,
    make_pipeline,
    make_trained,
)


@pytest.mark.parametrize("factory", FACTORIES)
def test_training_lowers_the_loss_and_changes_the_encoder(factory, tiny_checkpoint):
    spacy.util.fix_random_seed(0)
    nlp = make_pipeline(tiny_checkpoint, factory=factory)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    optimizer.learn_rate = 0.003
    before = {k: v.clone() for k, v in encoder_of(nlp).state_dict().items()}
    history = []
    for _ in range(100):
        losses = {}
        nlp.update(make_examples(nlp), sgd=optimizer, losses=losses, drop=0.1)
        history.append(losses["ner"])
    assert np.mean(history[-3:]) < 0.3 * np.mean(history[:3])
    after = encoder_of(nlp).state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == set(before)
    assert nlp.evaluate(make_examples(nlp))["ents_f"] > 0.8


@pytest.mark.stock
def test_both_factories_learn_the_same(tiny_checkpoint):
    pipelines = [
        make_trained(tiny_checkpoint, factory=factory, heads=("tagger", "ner"), steps=5)
        for factory in ("transformer", "deberta")
    ]
    stock, ours = (encoder_of(nlp).state_dict() for nlp in pipelines)
    for key in stock:
        torch.testing.assert_close(ours[key], stock[key], rtol=0, atol=1e-5)
    scores = [nlp.evaluate(make_examples(nlp)) for nlp in pipelines]
    for key in ("ents_f", "ents_p", "ents_r", "tag_acc"):
        assert scores[0][key] == pytest.approx(scores[1][key], abs=1e-6)


def make_copies(checkpoint, *settings, heads=("tagger",), factory="deberta"):
    """Pipelines with the same weights and different settings of the encoder.

    They are trained for some updates, because an initial tagger has no gradient.
    """
    trained = make_trained(checkpoint, heads=heads, factory=factory).to_bytes()
    copies = []
    for setting in settings:
        nlp = make_pipeline(checkpoint, heads=heads, factory=factory, **setting)
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        copies.append(nlp.from_bytes(trained))
    return copies


def gradients(nlp, batches, **options):
    """Gradients of the encoder after updates without an optimizer."""
    for batch in batches:
        nlp.update(batch, sgd=False, losses={}, drop=0.0, **options)
    transformer = nlp.get_pipe("transformer")
    if hasattr(transformer, "_backprop_pending"):
        transformer._backprop_pending()
    found = {
        name: parameter.grad.to_dense().clone()
        for name, parameter in encoder_of(nlp).named_parameters()
        if parameter.grad is not None
    }
    assert found["encoder.layer.0.output.dense.weight"].abs().max() > 1e-3
    return found


@pytest.mark.parametrize("factory", FACTORIES)
def test_accumulated_gradients_are_those_of_the_whole_batch(factory, tiny_checkpoint):
    nlp, again = make_copies(tiny_checkpoint, {}, {}, factory=factory)
    # The tagger's loss is a sum over tokens, so that parts add up to the whole.
    whole = gradients(nlp, [make_examples(nlp)])
    examples = make_examples(again)
    parts = gradients(again, [examples[:2], examples[2:5], examples[5:]])
    assert whole.keys() == parts.keys()
    for key, gradient in whole.items():
        torch.testing.assert_close(parts[key], gradient, rtol=1e-3, atol=1e-5)


def test_no_gradient_is_lost_when_the_last_listener_is_frozen(tiny_checkpoint):
    # In the stock pipe the last listener runs the backward pass, and it is never called here.
    nlp = make_trained(tiny_checkpoint, heads=("tagger", "ner"))
    transformer = nlp.get_pipe("transformer")
    transformer.finish_update(Adam(0.01, use_averages=False))
    assert all(parameter.grad is None for parameter in encoder_of(nlp).parameters())
    before = encoder_of(nlp).embeddings.word_embeddings.weight.detach().clone()
    nlp.update(make_examples(nlp), sgd=False, losses={}, exclude=["ner"])
    transformer.finish_update(Adam(0.01, use_averages=False))
    assert not torch.equal(before, encoder_of(nlp).embeddings.word_embeddings.weight)


def test_gradients_of_listeners_add_up(tiny_checkpoint):
    excluded = ([], ["ner"], ["tagger"])
    copies = make_copies(tiny_checkpoint, {}, {}, {}, heads=("tagger", "ner"))
    both, tagger, ner = (
        gradients(nlp, [make_examples(nlp)], exclude=exclude)
        for nlp, exclude in zip(copies, excluded, strict=True)
    )
    for key in both:
        torch.testing.assert_close(both[key], tagger[key] + ner[key], rtol=1e-3, atol=1e-4)


def test_dropout_reaches_the_encoder_in_training_only(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    nlp.initialize(lambda: make_examples(nlp))
    model = nlp.get_pipe("transformer").model
    docs = [example.predicted for example in make_examples(nlp)]

    def rows(drop):
        set_dropout_rate(model, drop)
        output, _ = model.begin_update(docs)
        return output.doc_data[0].model_output.last_hidden_state

    assert (rows(0.0) == rows(0.0)).all()
    assert not np.allclose(rows(0.3), rows(0.3))
    predicted = [model.predict(docs).doc_data[0].model_output.last_hidden_state for _ in range(2)]
    assert (predicted[0] == predicted[1]).all()
    assert np.allclose(predicted[0], rows(0.0), atol=1e-5)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_do_not_depend_on_sub_batches_or_checkpointing(checkpointing, tiny_checkpoint):
    reference, divided = make_copies(
        tiny_checkpoint, {}, {"max_batch_pieces": 16, "gradient_checkpointing": checkpointing}
    )
    expected = gradients(reference, [make_examples(reference)])
    found = gradients(divided, [make_examples(divided)])
    for key, gradient in expected.items():
        torch.testing.assert_close(found[key], gradient, rtol=1e-3, atol=1e-5)


def test_frozen_parameters_do_not_change(tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, freeze_embeddings=True, freeze_layers=1)
    before = {k: v.clone() for k, v in encoder_of(nlp).state_dict().items()}
    nlp.update(make_examples(nlp), sgd=SGD(0.01, use_averages=False), losses={})
    changed = {
        key
        for key, value in encoder_of(nlp).state_dict().items()
        if not torch.equal(before[key], value)
    }
    assert changed == {key for key in before if key.startswith("encoder.layer.1.")}


def test_lower_layers_move_less_with_layer_lr_decay(tiny_checkpoint):
    steps = {}
    for decay in (1.0, 0.1):
        nlp = make_pipeline(tiny_checkpoint, layer_lr_decay=decay)
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        key = "encoder.layer.0.output.dense.weight"
        before = encoder_of(nlp).state_dict()[key].clone()
        torch.manual_seed(0)
        encoder_of(nlp).get_parameter(key).grad = torch.full_like(before, 1e-3)
        nlp.get_pipe("transformer").finish_update(SGD(1.0, use_averages=False))
        steps[decay] = before - encoder_of(nlp).state_dict()[key]
    torch.testing.assert_close(steps[0.1], 0.1 * steps[1.0], rtol=1e-3, atol=1e-7)


def test_biases_and_layer_norm_have_no_weight_decay(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    nlp.initialize(lambda: make_examples(nlp))
    before = {k: v.clone() for k, v in encoder_of(nlp).state_dict().items()}
    for parameter in encoder_of(nlp).parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer = Adam(0.1, L2=0.5, L2_is_weight_decay=True, use_averages=False)
    nlp.get_pipe("transformer").finish_update(optimizer)
    assert optimizer.L2 == 0.5
    for key, value in encoder_of(nlp).state_dict().items():
        exempt = key.endswith("bias") or "LayerNorm" in key
        torch.testing.assert_close(value, before[key] * (1.0 if exempt else 0.95))


def test_averaged_weights_are_used_and_put_back(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    nlp.initialize(lambda: make_examples(nlp))
    optimizer = Adam(0.01, use_averages=True)
    for _ in range(3):
        nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    trained = {k: v.clone() for k, v in encoder_of(nlp).state_dict().items()}
    key = "encoder.layer.0.output.dense.weight"
    with nlp.use_params(optimizer.averages):
        assert not torch.equal(encoder_of(nlp).state_dict()[key], trained[key])
    for name, value in encoder_of(nlp).state_dict().items():
        assert torch.equal(value, trained[name])


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_training_in_half_precision_stays_close(precision, tiny_checkpoint):
    full, half = make_copies(tiny_checkpoint, {"precision": "fp32"}, {"precision": precision})
    expected, found = (gradients(nlp, [make_examples(nlp)]) for nlp in (full, half))
    if precision == "fp16":
        scaler = half.get_pipe("transformer").model.layers[1].shims[0]._updates.scaler
        assert scaler.unscale(list(found.values()))
    key = "encoder.layer.0.attention.self.value_proj.weight"
    assert found[key].dtype == torch.float32
    similarity = torch.nn.functional.cosine_similarity(
        expected[key].flatten(), found[key].flatten(), dim=0
    )
    assert similarity > 0.98


@pytest.mark.parametrize("factory", FACTORIES)
def test_documents_without_tokens_can_be_trained_on(factory, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, factory=factory)
    optimizer = nlp.initialize(lambda: make_examples(nlp))
    empty = Example.from_dict(nlp.make_doc(""), {"entities": []})
    spaces = Example.from_dict(nlp.make_doc("   \n\n "), {"entities": []})
    nlp.update([empty, *make_examples(nlp), spaces], sgd=optimizer, losses={})
    nlp.update([empty], sgd=optimizer, losses={})
    nlp.update([spaces], sgd=optimizer, losses={})

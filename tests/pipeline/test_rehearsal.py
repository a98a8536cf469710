"""`nlp.rehearse`, which passes a plain function as the optimizer of each component."""

import pytest
import spacy
import torch
from spacy.training import Example

from spacy_deberta.layers.encoder.encoder_shim import EncoderShim
from tests.pipeline.pipelines import FACTORIES, TRAIN_DATA, encoder_of, make_examples, make_trained

HEADS = ("tagger", "ner")


def replaced(nlp, folder):
    """The pipeline with an encoder for each component, after `replace_listeners`."""
    for name in HEADS:
        nlp.replace_listeners("transformer", name, ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    return nlp


def loaded(nlp, folder):
    """The same pipeline, made from a config with `DebertaV2Tok2Vec.v1`."""
    replaced(nlp, folder).to_disk(folder)
    return spacy.load(folder)


def own_encoder(nlp, name):
    """A component's own encoder."""
    shims = [shim for node in nlp.get_pipe(name).model.walk() for shim in node.shims]
    return next(shim.encoder for shim in shims if isinstance(shim, EncoderShim))


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("make", [replaced, loaded])
def test_a_component_with_an_encoder_of_its_own_remembers(make, name, tiny_checkpoint, tmp_path):
    nlp = make(make_trained(tiny_checkpoint, heads=HEADS, steps=20), tmp_path)
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.002
    wrong = make_examples(nlp)
    for example in wrong:
        example.reference.ents = []
        for token in example.reference:
            token.tag_ = "LOW"
    for _ in range(5):
        nlp.update(wrong, sgd=optimizer)
    optimizer = nlp.create_optimizer()  # without momentum in the wrong direction
    optimizer.learn_rate = 0.002
    encoder = own_encoder(nlp, name)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    # spaCy updates only one component, the last one in a random order.
    others = [other for other in HEADS if other != name]
    history = []
    for _ in range(8):
        examples = [Example.from_dict(nlp.make_doc(text), {}) for text, _ in TRAIN_DATA]
        history.append(nlp.rehearse(examples, sgd=optimizer, exclude=others)[name])
    assert min(history) < 0.5 * history[0]
    after = encoder.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {key for key in before if key.endswith("weight")} <= changed


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_shared_encoder_takes_any_function(factory, tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, factory=factory, heads=HEADS)
    encoder = encoder_of(nlp)
    before = {name: parameter.detach().clone() for name, parameter in encoder.named_parameters()}
    gradients = {}

    def plain(key, weights, gradient):
        gradients[key[1]] = torch.from_numpy(gradient.copy())
        return weights - 0.5 * gradient, gradient

    nlp.update(make_examples(nlp), sgd=False)
    nlp.get_pipe("transformer").finish_update(plain)
    assert gradients["embeddings.word_embeddings.weight"].any()
    for name, parameter in encoder.named_parameters():
        expected = before[name] - 0.5 * gradients.get(name, torch.zeros(()))
        torch.testing.assert_close(parameter.detach(), expected)

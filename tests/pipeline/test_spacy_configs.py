"""All components of `spacy init config --gpu` train on the factory `deberta`."""

from itertools import permutations

import numpy as np
import pytest
import spacy

from tests.pipeline.pipelines import encoder_of
from tests.pipeline.spacy_configs import OPTIMIZE, PIPES, generated_pipeline

# Without spacy-transformers, `spacy init config --gpu` writes no transformer.
pytestmark = [pytest.mark.stock, pytest.mark.slow]

# Without the span categorizer, whose key is used by three of the components.
SCORES = (
    "tag_acc",
    "pos_acc",
    "morph_acc",
    "lemma_acc",
    "dep_uas",
    "sents_f",
    "ents_f",
    "cats_score",
    "nel_micro_f",
)
# Rows of the encoder beside embeddings of words, in either order.
MIXED = {
    "@layers": "concatenate.v1",
    "*": {
        "listener": {
            "@architectures": "spacy-deberta.TransformerListener.v1",
            "pooling": {"@layers": "reduce_mean.v1"},
        },
        "words": {
            "@architectures": "spacy.MultiHashEmbed.v2",
            "width": 16,
            "attrs": ["NORM", "SHAPE"],
            "rows": [50, 50],
            "include_static_vectors": False,
        },
    },
}
ORDERS = (("listener", "words"), ("words", "listener"))


def mixed(order):
    """The settings that put the layers of `MIXED` into a tagger."""
    layers = {name: MIXED["*"][name] for name in order}
    return {"tagger": {"tok2vec": {"@layers": MIXED["@layers"], "*": layers}}}


def fit(nlp, examples, *, steps=4, learn_rate=0.001):
    """The losses of each component in some updates, like `spacy train`."""
    spacy.util.fix_random_seed(1)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = learn_rate
    history = {name: [] for name in nlp.pipe_names}
    for _ in range(steps):
        losses = nlp.update(examples, sgd=False, drop=0.1)
        for name, pipe in nlp.pipeline:
            history[name].append(losses[name])
            pipe.finish_update(optimizer)
    return history


def encoder_gradients(nlp, examples, *, exclude=()):
    """The encoder's gradients of one update without dropout, by parameter name."""
    collected = {}

    def collect(key, weights, gradient):
        collected[key[1]] = gradient.copy()
        return weights, gradient

    nlp.update(examples, sgd=False, exclude=exclude)
    nlp.get_pipe("transformer").finish_update(collect)
    return collected


def assert_same_training(folder, checkpoint, pipe, **settings):
    """Compare the factory with the stock one, which is correct for a single listener."""
    # The generated senter has no listener, and if it is alone, there is no encoder to replace.
    pipes = ["tagger", "senter"] if pipe == "senter" else [pipe]
    histories, encoders = [], []
    for factory in ("deberta", "transformer"):
        nlp, examples = generated_pipeline(checkpoint, folder, pipes, factory=factory, **settings)
        before = encoder_of(nlp).embeddings.word_embeddings.weight.detach().clone()
        histories.append(fit(nlp, examples)[pipe])
        encoders.append(encoder_of(nlp).embeddings.word_embeddings.weight.detach())
        assert (before != encoders[-1]).any()
    assert np.isfinite(histories[0]).all()
    np.testing.assert_allclose(*histories, rtol=1e-3)
    np.testing.assert_allclose(*encoders, atol=1e-5)


@pytest.mark.parametrize("optimize", OPTIMIZE)
@pytest.mark.parametrize("pipe", PIPES)
def test_each_component_trains_as_on_the_stock_pipe(pipe, optimize, tiny_checkpoint, tmp_path):
    assert_same_training(tmp_path, tiny_checkpoint, pipe, optimize=optimize)


@pytest.mark.parametrize("order", ORDERS)
def test_a_listener_may_stand_beside_other_layers(order, tiny_checkpoint, tmp_path):
    assert_same_training(tmp_path, tiny_checkpoint, "tagger", models=mixed(order))


@pytest.mark.parametrize("order", [*permutations(("tagger", "textcat", "entity_linker"))])
def test_the_encoder_gets_the_sum_of_all_gradients(order, tiny_checkpoint, tmp_path):
    nlp, examples = generated_pipeline(tiny_checkpoint, tmp_path, order, models=mixed(ORDERS[0]))
    fit(nlp, examples, steps=2)  # some outputs start with weights of zero
    alone = [
        encoder_gradients(nlp, examples, exclude=[other for other in order if other != pipe])
        for pipe in order
    ]
    together = encoder_gradients(nlp, examples)
    assert any(gradient.any() for gradient in together.values())
    for name, gradient in together.items():
        parts = [part[name] for part in alone]
        assert all(part.any() for part in parts) or not gradient.any()
        np.testing.assert_allclose(gradient, sum(parts), rtol=1e-3, atol=1e-6)


def test_all_of_them_learn_together(tiny_checkpoint, tmp_path):
    nlp, examples = generated_pipeline(tiny_checkpoint, tmp_path, PIPES)
    fit(nlp, examples, steps=30, learn_rate=0.005)
    scores = nlp.evaluate(examples)
    assert {name: scores[name] for name in SCORES if not scores[name] > 0.9} == {}

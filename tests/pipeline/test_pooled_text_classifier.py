"""`spacy-deberta.PooledTextClassifier.v1` in pipelines."""

import numpy as np
import pytest
import spacy
import torch
from spacy.training import Example
from thinc.api import Config

from tests.pipeline.pipelines import FACTORIES, encoder_config, encoder_of
from tests.pipeline.sentences import TOPICS, make_docs

POOLING = ("cls", "mean", "attention")
MODEL = """
[model]
@architectures = "spacy-deberta.PooledTextClassifier.v1"
exclusive_classes = true

[model.tok2vec]
@architectures = "spacy-deberta.DocumentListener.v1"
"""
TEXTS = ["Mira found the soup in Lyon.", "", "  \n", "Anna missed the train in Porto . " * 12]


def make_examples(nlp, count=40):
    return [Example(nlp.make_doc(doc.text), doc) for doc in make_docs(nlp.vocab, count)]


def make_pipeline(checkpoint, *, steps=0, factory="deberta", window=510, overlap=64, **settings):
    """A text classifier with some steps of training on short documents."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    encoder = encoder_config(checkpoint)
    encoder["model"]["get_spans"].update({"window": window, "overlap": overlap})
    nlp.add_pipe(factory, name="transformer", config=encoder)
    config = Config().from_str(MODEL)
    config["model"].update(settings)
    nlp.add_pipe("textcat", config=config)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.002
    for _ in range(steps):
        nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    return nlp


def scores(nlp, texts=TEXTS):
    return np.array([[doc.cats[topic] for topic in TOPICS] for doc in map(nlp, texts)])


@pytest.mark.slow
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("pooling", POOLING)
def test_every_pooling_learns(pooling, factory, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, pooling=pooling, factory=factory, steps=25)
    assert nlp.evaluate(make_examples(nlp))["cats_macro_f"] > 0.9


def test_the_encoder_learns_from_it(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    before = {key: value.clone() for key, value in encoder_of(nlp).state_dict().items()}
    optimizer = nlp.create_optimizer()
    # The output starts with zeros, so that the first step gives no gradient; and `nlp.update` has
    # finished the update of the encoder before the listener's gradient comes in.
    for _ in range(3):
        nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    after = encoder_of(nlp).state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {key for key in before if key.endswith("weight")} <= changed


def test_grad_factor_can_keep_the_gradient_from_the_encoder(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, grad_factor=0.0)
    for _ in range(2):
        nlp.update(make_examples(nlp), sgd=False, losses={})
    for parameter in encoder_of(nlp).parameters():
        assert parameter.grad is None or not parameter.grad.any()


@pytest.mark.parametrize("pooling", POOLING)
def test_documents_of_all_kinds_alone_and_in_batches(pooling, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, pooling=pooling, steps=3, window=20, overlap=4)
    alone = scores(nlp)
    assert alone.shape == (len(TEXTS), len(TOPICS))
    docs = nlp.pipe(TEXTS, batch_size=3)
    together = np.array([[doc.cats[topic] for topic in TOPICS] for doc in docs])
    # spaCy does not call the model for a batch in which no document has tokens.
    np.testing.assert_allclose(together[[0, 2, 3]], alone[[0, 2, 3]], atol=1e-5)
    bias = nlp.get_pipe("textcat").model.get_ref("output_layer").get_param("b")
    empty = np.exp(bias) / np.exp(bias).sum()
    np.testing.assert_allclose(together[1], empty, atol=1e-5)
    assert not alone[1].any()


@pytest.mark.parametrize("text", ["", "  \n ", "Mira left."])
@pytest.mark.parametrize("pooling", POOLING)
def test_documents_of_all_kinds_can_be_trained_on(pooling, text, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, pooling=pooling, hidden_size=8)
    cats = dict.fromkeys(TOPICS, 0.0) | {TOPICS[0]: 1.0}
    batches = [[text], ["", text], [text, "", "Anna left. " * 20]]
    optimizer = nlp.create_optimizer()
    for texts in batches:
        examples = [Example.from_dict(nlp.make_doc(t), {"cats": cats}) for t in texts]
        losses = nlp.update(examples, sgd=optimizer, losses={})
        assert np.isfinite(losses["textcat"])


def test_mean_and_attention_read_all_windows(tiny_checkpoint):
    start = "Mira found the soup in Lyon . " * 8
    for pooling in POOLING:
        nlp = make_pipeline(tiny_checkpoint, pooling=pooling, steps=3, window=20, overlap=4)
        # They differ only at the end, after the first window.
        found = scores(nlp, [start + "soup " * 8, start + "Porto " * 8])
        assert np.allclose(*found, atol=1e-7) == (pooling == "cls")


def test_a_pipeline_can_be_saved_and_read_again(tiny_checkpoint, tmp_path):
    nlp = make_pipeline(tiny_checkpoint, pooling="attention", hidden_size=8, steps=3)
    nlp.to_disk(tmp_path)
    np.testing.assert_allclose(scores(spacy.load(tmp_path)), scores(nlp), atol=1e-6)
    again = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    np.testing.assert_allclose(scores(again), scores(nlp), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("factory", FACTORIES)
def test_replace_listeners_gives_it_its_own_encoder(factory, tiny_checkpoint, tmp_path):
    nlp = make_pipeline(tiny_checkpoint, factory=factory, pooling="cls", steps=3)
    before = scores(nlp)
    nlp.replace_listeners("transformer", "textcat", ["model.tok2vec"])
    nlp.remove_pipe("transformer")
    np.testing.assert_allclose(scores(nlp), before, atol=1e-6)
    config = nlp.config["components"]["textcat"]["model"]["tok2vec"]
    assert config["@architectures"] == "spacy-deberta.DocumentEncoder.v1"
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    np.testing.assert_allclose(scores(again), before, atol=1e-6)
    optimizer = again.resume_training()
    optimizer.learn_rate = 0.002
    for _ in range(25):
        again.update(make_examples(again), sgd=optimizer, losses={})
    assert again.evaluate(make_examples(again))["cats_macro_f"] > 0.9


def test_it_learns_on_a_frozen_encoder(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint)
    before = {key: value.clone() for key, value in encoder_of(nlp).state_dict().items()}
    optimizer = nlp.create_optimizer()
    options = {"exclude": ["transformer"], "annotates": ["transformer"]}
    history = []
    for _ in range(10):
        losses = {}
        nlp.update(make_examples(nlp), sgd=optimizer, losses=losses, **options)
        history.append(losses["textcat"])
    assert history[-1] < history[0]
    after = encoder_of(nlp).state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_labels_can_be_added(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, steps=3)
    textcat = nlp.get_pipe("textcat")
    before = scores(nlp)
    assert textcat.add_label("MUSIC") == 1
    doc = nlp(TEXTS[0])
    assert doc.cats["MUSIC"] < 0.05
    np.testing.assert_allclose([doc.cats[topic] for topic in TOPICS], before[0], atol=0.05)
    cats = dict.fromkeys(TOPICS, 0.0) | {"MUSIC": 1.0}
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.01
    for _ in range(25):
        song = Example.from_dict(nlp.make_doc("Anna sang a song."), {"cats": cats})
        nlp.update([song], sgd=optimizer, losses={})
    assert nlp("Anna sang a song.").cats["MUSIC"] > 0.5


def test_a_listener_that_gives_tokens_is_refused(tiny_checkpoint):
    listener = Config().from_str(
        """
        [tok2vec]
        @architectures = "spacy-deberta.TransformerListener.v1"
        pooling = {"@layers":"reduce_mean.v1"}
        """
    )
    with pytest.raises(ValueError, match=r"E416.*DocumentListener"):
        make_pipeline(tiny_checkpoint, **listener)

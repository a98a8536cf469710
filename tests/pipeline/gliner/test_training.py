"""Training of the component: data, sampled labels, scores and settings."""

import warnings

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_deberta.layers.gliner import GoldWords, _span_targets
from spacy_deberta.pipeline.gliner.training import sample_labels
from spacy_deberta.pipeline.gliner.training_settings import TrainingSettings
from tests.conftest import SENTENCES

from .gliners import make_pipeline

PLACES = ("Rotterdam", "Lyon", "Porto", "Frankfurt", "Cusco", "Montréal")
NAMES = ("Mira Okafor", "Halden Freight", "European Parliament", "Sanjay", "Dmitri Mendeleev")
DAYS = ("Friday", "Monday", "Thursday", "March", "1869")
LABELLED = {"place": PLACES, "name": NAMES, "day": DAYS}


def make_examples(nlp, labels=tuple(LABELLED)):
    examples = []
    for text in SENTENCES:
        doc = nlp.make_doc(text)
        found = [
            doc.char_span(text.index(name), text.index(name) + len(name), label=label)
            for label in labels
            for name in LABELLED[label]
            if name in text
        ]
        doc.ents = found
        doc.spans["sc"] = [*found, Span(doc, 0, 2, label=labels[0])]
        examples.append(Example(nlp.make_doc(text), doc))
    return examples


def make_new(tiny_checkpoint, *, sizes=None, labels=tuple(LABELLED), **settings):
    """A pipeline with a new GLiNER on a bare encoder, and its training data."""
    spacy.util.fix_random_seed(3)
    nlp = spacy.blank("en")
    config = {"model": {"name": str(tiny_checkpoint), "precision": "fp32"}, **settings}
    pipe = nlp.add_pipe("deberta_gliner", config=config)
    examples = make_examples(nlp, labels)
    pipe.initialize(lambda: examples, sizes={"max_width": 4, **(sizes or {})})
    return nlp, examples


def train(nlp, examples, *, steps, rate=3e-3):
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = rate
    losses = [nlp.update(examples, sgd=optimizer, drop=0.0) for _ in range(steps)]
    return [loss["deberta_gliner"] for loss in losses]


@pytest.mark.parametrize(
    "settings",
    [
        {"sizes": {"span_mode": "markerV0"}},
        {"sizes": {"span_mode": "token_level", "hidden_size": 24, "num_rnn_layers": 0}},
        {"annotate": "spans", "nested": True, "multi_label": True},
    ],
    ids=["spans", "words", "nested"],
)
@pytest.mark.slow
def test_it_learns_and_is_saved(settings, tiny_checkpoint, tmp_path):
    nlp, examples = make_new(tiny_checkpoint, **settings)
    train(nlp, examples, steps=120)
    scores = nlp.evaluate(examples)
    key = "spans_sc_f" if settings.get("annotate") == "spans" else "ents_f"
    assert scores[key] > 0.8
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert loaded.evaluate(examples)[key] == scores[key]
    # Training goes on after loading.
    assert loaded.update(examples)["deberta_gliner"] > 0


def test_half_of_the_steps_are_those_of_the_head(folder):
    """With a rate of 0 the head stays as it is; the projection belongs to the encoder."""
    nlp = make_pipeline(folder, labels=["x"], training={"head_rate": 0.0})
    module = nlp.get_pipe("deberta_gliner").model.layers[1].shims[0].module
    before = {name: weights.clone() for name, weights in module.named_parameters()}
    nlp.update(make_examples(nlp), sgd=nlp.create_optimizer())
    same = {name for name, weights in module.named_parameters() if weights.equal(before[name])}
    heads = ("rnn.", "span_rep_layer.", "prompt_rep_layer.")
    assert same == {name for name in before if name.startswith(heads)}


def test_frozen_parts_stay_as_they_are(folder):
    nlp = make_pipeline(folder, labels=["x"], model={"freeze_embeddings": True, "freeze_layers": 2})
    module = nlp.get_pipe("deberta_gliner").model.layers[1].shims[0].module
    before = {name: weights.clone() for name, weights in module.named_parameters()}
    nlp.update(make_examples(nlp), sgd=nlp.create_optimizer())
    changed = {
        name for name, weights in module.named_parameters() if weights.ne(before[name]).any()
    }
    assert changed
    lowest = ("deberta.embeddings.", "deberta.encoder.layer.")
    assert not any(name.startswith(lowest) for name in changed)


def test_labels_are_sampled():
    pool = [f"label {i}" for i in range(50)]
    settings = TrainingSettings(negatives=2, max_labels=6)
    drawn = [sample_labels(["label 1", "label 2", "label 1"], pool, settings) for _ in range(300)]
    assert {len(labels) for labels in drawn} == {2, 5, 6}
    assert all(len(set(labels)) == len(labels) for labels in drawn)
    # All of them are used, and none has a place of its own.
    assert {label for labels in drawn for label in labels} == set(pool)
    assert {labels[0] for labels in drawn} > {"label 1", "label 2"}
    assert len(sample_labels([], pool, settings)) in (1, 2)
    assert sample_labels([], [], settings) == []
    assert sample_labels(["a"], ["a"], TrainingSettings(negatives=0)) == ["a"]


@pytest.mark.parametrize("span_mode", ["markerV0", "token_level"])
def test_missing_tokens_are_no_negatives(span_mode, tiny_checkpoint):
    """A partly annotated text has the loss of the part that is annotated."""
    training = {"negatives": 0, "reduction": "sum", "gamma": 0.0, "alpha": None}
    sizes = {"span_mode": span_mode, "hidden_size": 24, "num_rnn_layers": 0}
    nlp, _ = make_new(tiny_checkpoint, training=training, sizes=sizes)
    pipe = nlp.get_pipe("deberta_gliner")
    words = ["Mira", "left", "for", "Lyon", "on", "Friday"]

    def loss(*, missing):
        doc = Doc(nlp.vocab, words=words)
        doc.set_ents(
            [Span(doc, 3, 4, label="place")],
            missing=[doc[i : i + 1] for i in missing],
            default="outside",
        )
        example = Example(Doc(nlp.vocab, words=words), doc)
        return pipe.update([example], losses={})["deberta_gliner"]

    whole = loss(missing=[])
    without = {i: loss(missing=[i]) for i in (0, 1, 2, 4, 5)}
    assert all(0 < part < whole for part in without.values())
    assert loss(missing=[0, 5]) < min(without[0], without[5])
    if span_mode == "token_level":  # whose words are independent
        lost = sum(whole - part for part in without.values())
        assert whole - loss(missing=[0, 1, 2, 4, 5]) == pytest.approx(lost, rel=1e-4)


@given(
    unknown=st.lists(st.booleans(), min_size=1, max_size=9),
    width=st.integers(1, 5),
    labels=st.integers(1, 3),
)
def test_spans_with_an_unknown_word_are_left_out(unknown, width, labels):
    gold = GoldWords(np.zeros((0, 3), dtype=np.int64), np.array(unknown))
    places, targets, units = _span_targets((len(unknown), width, labels), gold)
    expected = [
        first * width + length - 1
        for first in range(len(unknown))
        for length in range(1, width + 1)
        if first + length <= len(unknown) and not any(unknown[first : first + length])
    ]
    assert places.tolist() == expected
    assert targets.shape == (units, labels) == (len(expected), labels)


def test_held_out_labels_are_not_trained_but_scored(tiny_checkpoint, monkeypatch):
    from spacy_deberta.pipeline.gliner import training

    nlp, examples = make_new(tiny_checkpoint, training={"held_out": ["day"]})
    pools = []

    def sample(present, pool, settings):
        pools.append({*present, *pool})
        return sample_labels(present, pool, settings)

    monkeypatch.setattr(training, "sample_labels", sample)
    nlp.update(examples)
    assert set().union(*pools) == {"place", "name"}
    assert "day" in nlp.get_pipe("deberta_gliner").labels
    # Predictions that have all days, and nothing else.
    for example in examples:
        days = [span for span in example.y.ents if span.label_ == "day"]
        example.x.set_ents([Span(example.x, s.start, s.end, label="day") for s in days])
    scores = nlp.get_pipe("deberta_gliner").score(examples)
    assert scores["held_out_f"] == scores["held_out_p"] == 1.0
    assert scores["ents_p"] == 1.0
    assert scores["ents_r"] < 0.5


def test_a_text_has_the_negatives_that_it_names(tiny_checkpoint, monkeypatch):
    from spacy_deberta.pipeline.gliner import training

    nlp, examples = make_new(tiny_checkpoint)
    pools = []
    monkeypatch.setattr(training, "sample_labels", lambda _, pool, __: pools.append(pool) or pool)
    examples[0].y._.lacking_labels = ["verb", "colour"]
    nlp.update(examples[:2])
    assert pools[0] == ["verb", "colour"]
    assert set(pools[1]) == set(LABELLED)


def test_long_texts_and_texts_without_annotation(folder):
    nlp = make_pipeline(folder, labels=["place"], max_words=30, overlap=12)
    words = " ".join(SENTENCES).split() * 3
    doc = Doc(nlp.vocab, words=words)
    doc.ents = [Span(doc, i, i + 1, label="place") for i, w in enumerate(words) if w == "Lyon."]
    long = Example(Doc(nlp.vocab, words=words), doc)
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    bare = Example(nlp.make_doc(SENTENCES[0]), nlp.make_doc(SENTENCES[0]))
    assert len(doc.ents) == 3
    assert nlp.update([empty, bare, long])["deberta_gliner"] > 0
    assert nlp.update([empty, bare])["deberta_gliner"] == 0
    nlp.get_pipe("deberta_gliner").cfg["training"] = {"held_out": ["place"]}
    assert nlp.update([long])["deberta_gliner"] == 0


def test_entities_that_cannot_be_learned_are_counted(tiny_checkpoint):
    nlp = spacy.blank("en")
    config = {"model": {"name": str(tiny_checkpoint)}}
    pipe = nlp.add_pipe("deberta_gliner", config=config)
    examples = make_examples(nlp)
    with pytest.warns(UserWarning, match=r"W362.* 4 of 16 entities .* 1 words"):
        pipe.initialize(lambda: examples, sizes={"max_width": 1})
    pipe = nlp.add_pipe("deberta_gliner", name="other", config=config)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipe.initialize(lambda: examples, sizes={"max_width": 1, "span_mode": "token_level"})


def test_the_encoder_of_a_gliner_and_random_weights(folder, tiny_vocabulary):
    nlp = spacy.blank("en")
    examples = make_examples(nlp)
    pipe = nlp.add_pipe("deberta_gliner", config={"model": {"name": str(folder)}})
    pipe.initialize(lambda: examples, new_head=True, sizes={"max_width": 3})
    module = pipe.model.layers[1].shims[0].module
    given = make_pipeline(folder, labels=["x"]).get_pipe("deberta_gliner").model
    old = given.layers[1].shims[0].module
    table = "embeddings.word_embeddings.weight"
    assert module.deberta.state_dict()[table].equal(old.deberta.state_dict()[table])
    assert module.gliner.max_width == 3
    scratch = {"vocabulary": str(tiny_vocabulary), "hidden_size": 16, "num_hidden_layers": 1}
    scratch |= {"num_attention_heads": 2, "intermediate_size": 16}
    pipe = nlp.add_pipe("deberta_gliner", name="new", config={"model": {"from_scratch": scratch}})
    with pytest.raises(ValueError, match="E373"):
        pipe.initialize(lambda: [Example(nlp.make_doc("a"), nlp.make_doc("a"))])
    pipe.initialize(lambda: examples)
    assert pipe.update(examples)["new"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training": {"alpha": 2}}, "E374.*alpha"),
        ({"training": {"gamma": 0.5}}, "E374.*gamma.*at least 1"),
        ({"training": {"held_out": "day"}}, "E374.*E624"),
        ({"training": {"reduction": "max"}}, "E374.*reduction"),
        ({"training": {"max_types": 25}}, "E374.*'max_types'.*max_labels"),
        ({"training": {"max_labels": 0}}, "E374.*max_labels"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        spacy.blank("en").add_pipe("deberta_gliner", config=settings)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width": 3}, "E372.*'width'.*max_width"),
        ({"max_width": "3"}, "E372.*max_width"),
        ({"span_mode": "conv"}, "E372.*'span_mode'"),
        ({"hidden_size": 15}, "E372.*odd"),
        ({"dropout": 1.0}, "E372.*dropout"),
        ({"num_rnn_layers": -1}, "E372.*num_rnn_layers"),
    ],
)
def test_sizes_that_are_refused(sizes, message, tiny_checkpoint):
    with pytest.raises(ValueError, match=message):
        make_new(tiny_checkpoint, sizes=sizes)


def test_what_a_gliner_cannot_do(folder):
    nlp = make_pipeline(folder, labels=["x"], model={"precision": "fp16"})
    examples = make_examples(nlp)
    with pytest.raises(ValueError, match="E375.*bf16"):
        nlp.update(examples)
    with pytest.raises(NotImplementedError, match="E371.*select_pipes"):
        nlp.rehearse(examples)
    held_out = {"model": {"name": str(folder)}, "training": {"held_out": list(LABELLED)}}
    pipe = nlp.add_pipe("deberta_gliner", name="other", config=held_out)
    with pytest.warns(UserWarning, match="W363"):
        pipe.initialize(lambda: examples)
    pipe.cfg["training"] = {"held_out": ["days"]}
    with pytest.warns(UserWarning, match="W364.*: days.*which are: .*day"):
        pipe.initialize(lambda: examples)


@pytest.mark.slow
def test_spacy_train_and_package(folder, tmp_path):
    """A published layout is fine-tuned with the shipped config, and installed as a package."""
    from spacy.cli.package import package
    from spacy.cli.train import train as spacy_train

    from tests.docs.pages import ROOT

    nlp = spacy.blank("en")
    path = tmp_path / "data.spacy"
    DocBin(docs=[example.y for example in make_examples(nlp)]).to_disk(path)
    overrides = {"paths.train": str(path), "paths.dev": str(path), "paths.encoder": str(folder)}
    overrides |= {"training.max_steps": 2, "training.eval_frequency": 1}
    spacy_train(ROOT / "configs" / "gliner.cfg", tmp_path / "out", overrides=overrides)
    package(
        tmp_path / "out" / "model-last", tmp_path, name="mine", version="0.0.1", create_sdist=False
    )
    loaded = spacy.load(tmp_path / "en_mine-0.0.1" / "en_mine" / "en_mine-0.0.1")
    assert set(loaded.get_pipe("gliner").labels) == set(LABELLED)
    loaded(SENTENCES[0])


def test_gradients_of_the_head_do_not_depend_on_sub_batches(folder):
    """With several sub-batches the encoder's layers are computed again in the backward pass."""
    gradients = []
    for pieces in (8192, 40):
        nlp = make_pipeline(folder, labels=["x"], model={"max_batch_pieces": pieces})
        torch.manual_seed(1)
        nlp.get_pipe("deberta_gliner").update(make_examples(nlp), drop=0.0)
        module = nlp.get_pipe("deberta_gliner").model.layers[1].shims[0].module
        gradients.append([p.grad.to_dense() for p in module.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)

"""Freezing, sourcing, replacing and resuming in configs."""

import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

from tests.pipeline.pipelines import (
    FACTORIES,
    TRAIN_DATA,
    encoder_config,
    encoder_of,
    make_examples,
    make_pipeline,
    make_trained,
)

pytestmark = pytest.mark.slow

TEXTS = [text for text, _ in TRAIN_DATA]


@pytest.fixture
def corpus(tmp_path):
    """The training data as a `.spacy` file."""
    path = tmp_path / "train.spacy"
    nlp = spacy.blank("en")
    DocBin(docs=[example.reference for example in make_examples(nlp)]).to_disk(path)
    return path


@pytest.fixture
def pipeline_folder(tiny_checkpoint, tmp_path):
    """A trained pipeline on disk, as `spacy train` leaves it."""
    nlp = make_trained(tiny_checkpoint, heads=("tagger", "ner"), steps=10)
    nlp.to_disk(tmp_path / "model-last")
    return tmp_path / "model-last"


def make_config(nlp, corpus, **training):
    """A full config that trains a pipeline on the corpus."""
    config = nlp.config.copy()
    config["corpora"] = {
        name: {"@readers": "spacy.Corpus.v1", "path": str(corpus)} for name in ("train", "dev")
    }
    config["training"] = {
        **config["training"],
        "max_steps": 3,
        "eval_frequency": 1,
        "patience": 0,
        "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.001},
        "batcher": {
            "@batchers": "spacy.batch_by_padded.v1",
            "size": 500,
            "buffer": 64,
            "discard_oversize": False,
        },
        **training,
    }
    return Config(config)


def run(config):
    """Train like `spacy train`; returns the pipeline before and after."""
    nlp = init_nlp(config)
    before = state(nlp)
    train(nlp)
    return nlp, before


def state(nlp):
    encoder = encoder_of(nlp)
    return {key: value.clone() for key, value in encoder.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[key], other[key]) for key in one)


def test_resuming_from_model_last_continues_where_it_stopped(pipeline_folder, corpus):
    stopped = spacy.load(pipeline_folder)
    config = make_config(stopped, corpus)
    for name in ("transformer", "tagger", "ner"):
        config["components"][name] = {"source": str(pipeline_folder)}
    nlp = init_nlp(config)
    assert same(state(nlp), state(stopped))
    examples = make_examples(nlp)
    for key in ("ents_f", "tag_acc"):
        assert nlp.evaluate(examples)[key] == stopped.evaluate(examples)[key]
    train(nlp)
    assert not same(state(nlp), state(stopped))
    assert nlp.evaluate(make_examples(nlp))["tag_acc"] >= stopped.evaluate(examples)["tag_acc"]


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_frozen_encoder_that_annotates_feeds_a_new_head(
    factory, corpus, tiny_checkpoint, tmp_path
):
    make_trained(tiny_checkpoint, factory=factory, heads=("ner",)).to_disk(tmp_path / "source")
    config = make_config(
        make_pipeline(tiny_checkpoint, factory=factory, heads=("tagger",)),
        corpus,
        frozen_components=["transformer"],
        annotating_components=["transformer"],
        max_steps=60,
        optimizer={"@optimizers": "Adam.v1", "learn_rate": 0.02},
    )
    config["components"]["transformer"] = {"source": str(tmp_path / "source")}
    nlp, before = run(config)
    assert same(before, state(nlp))
    assert nlp.evaluate(make_examples(nlp))["tag_acc"] > 0.8


def test_a_frozen_encoder_that_does_not_annotate_is_an_error(corpus, tiny_checkpoint, tmp_path):
    make_trained(tiny_checkpoint, heads=("ner",)).to_disk(tmp_path / "source")
    config = make_config(
        make_pipeline(tiny_checkpoint, heads=("tagger",)), corpus, frozen_components=["transformer"]
    )
    config["components"]["transformer"] = {"source": str(tmp_path / "source")}
    with pytest.raises(ValueError, match="E203"):
        run(config)


def test_a_frozen_last_head_leaves_the_encoder_trainable(pipeline_folder, corpus):
    config = make_config(spacy.load(pipeline_folder), corpus, frozen_components=["ner"])
    for name in ("transformer", "tagger", "ner"):
        config["components"][name] = {"source": str(pipeline_folder)}
    config["components"]["ner"]["replace_listeners"] = ["model.tok2vec"]
    expected = [doc.to_json()["ents"] for doc in spacy.load(pipeline_folder).pipe(TEXTS)]
    nlp, before = run(config)
    assert not same(before, state(nlp))
    # The frozen head has its own encoder, and the same predictions as before.
    assert [doc.to_json()["ents"] for doc in nlp.pipe(TEXTS)] == expected


@pytest.mark.parametrize("factory", FACTORIES)
def test_replaced_listeners_find_what_they_found(factory, tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, factory=factory, heads=("tagger", "ner"), steps=10)
    expected = [doc.to_json() for doc in nlp.pipe(TEXTS)]
    nlp.replace_listeners("transformer", "ner", ["model.tok2vec"])
    assert [doc.to_json() for doc in nlp.pipe(TEXTS)] == expected
    assert nlp.get_pipe("transformer").listening_components == ["tagger"]


def test_copies_of_an_encoder_learn_apart(tiny_checkpoint):
    nlp = make_trained(tiny_checkpoint, heads=("tagger", "ner"))
    nlp.replace_listeners("transformer", "ner", ["model.tok2vec"])
    shims = [
        shim
        for name in ("transformer", "ner")
        for node in nlp.get_pipe(name).model.walk()
        for shim in node.shims
        if node.name == "deberta_encoder"
    ]
    assert len({shim.id for shim in shims}) == 2  # thinc's optimizer keeps its state by this id
    before = [
        shim.encoder.state_dict()["encoder.layer.0.output.dense.weight"].clone() for shim in shims
    ]
    nlp.update(make_examples(nlp), sgd=nlp.create_optimizer(), losses={}, exclude=["ner"])
    after = [shim.encoder.state_dict()["encoder.layer.0.output.dense.weight"] for shim in shims]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


def test_sourcing_the_encoder_into_another_pipeline(pipeline_folder):
    source = spacy.load(pipeline_folder)
    target = spacy.blank("en")
    target.add_pipe("transformer", source=source)
    target.add_pipe("ner", source=source)
    expected = [doc.to_json()["ents"] for doc in source.pipe(TEXTS)]
    assert [doc.to_json()["ents"] for doc in target.pipe(TEXTS)] == expected


def test_an_own_encoder_needs_no_shared_pipe(tiny_checkpoint, corpus, tmp_path):
    nlp = spacy.blank("en")
    config = Config(
        {
            "model": {
                "@architectures": "spacy.Tagger.v2",
                "tok2vec": {
                    **encoder_config(tiny_checkpoint)["model"],
                    "@architectures": "spacy-deberta.DebertaV2Tok2Vec.v1",
                    "pooling": {"@layers": "reduce_mean.v1"},
                },
            }
        }
    )
    nlp.add_pipe("tagger", config=config)
    trained = init_nlp(make_config(nlp, corpus, max_steps=30))
    train(trained, tmp_path)
    loaded = spacy.load(tmp_path / "model-last")
    assert loaded.evaluate(make_examples(loaded))["tag_acc"] > 0.8


@pytest.mark.parametrize("factory", FACTORIES)
def test_from_scratch_needs_only_a_vocabulary(factory, tiny_vocabulary, corpus, tmp_path):
    size = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    nlp = make_pipeline(
        None, factory=factory, name=None, from_scratch={"vocabulary": str(tiny_vocabulary), **size}
    )
    trained = init_nlp(make_config(nlp, corpus))
    config = encoder_of(trained).config
    assert config.relative_attention
    assert config.position_buckets == 256
    train(trained, tmp_path)
    assert spacy.load(tmp_path / "model-last")("Mira left.")._.trf_data is not None


def test_from_scratch_with_an_unknown_field_or_no_vocabulary(tiny_vocabulary):
    for scratch, code in (
        ({"vocabulary": str(tiny_vocabulary), "hiden_size": 32}, "E414.*hiden_size"),
        ({"hidden_size": 32}, "E404"),
        ({"vocabulary": str(tiny_vocabulary), "vocab_size": 10}, "E310"),
    ):
        nlp = make_pipeline(None, name=None, heads=(), from_scratch=scratch)
        with pytest.raises(ValueError, match=code):
            nlp.initialize()

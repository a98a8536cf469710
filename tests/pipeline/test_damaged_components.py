"""Folders of components that are damaged or were written by other programs."""

import json

import pytest
import spacy
import srsly

from tests.pipeline.pipelines import FACTORIES, encoder_config, make_examples, make_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """A saved pipeline with the factory `deberta`."""
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[]",
        b"7",
        b"null",
        b'{"format": "1"}',
        b'{"format": null}',
        b"[" * 10**5,
    ],
)
def test_settings_that_are_no_settings(content, folder):
    (folder / "transformer" / "cfg").write_bytes(content)
    with pytest.raises(ValueError, match="E423.*cfg"):
        spacy.load(folder)


# Values of wrong types, and out of range.
REFUSED = [
    ("deberta_zero_shot", {"max_length": "x"}),
    ("deberta_zero_shot", {"max_length": -5}),
    ("deberta_zero_shot", {"max_length": 3}),
    ("deberta_zero_shot", {"max_length": 512.5}),
    ("deberta_zero_shot", {"max_length": True}),
    ("deberta_zero_shot", {"overlap": -1}),
    ("deberta_zero_shot", {"overlap": 2**70}),
    ("deberta_zero_shot", {"overlap": None}),
    ("deberta_zero_shot", {"labels": 7}),
    ("deberta_zero_shot", {"labels": "travel"}),
    ("deberta_zero_shot", {"labels": ["travel", "travel"]}),
    ("deberta_zero_shot", {"multi_label": 1}),
    ("deberta_zero_shot", {"hypothesis_template": None}),
    ("deberta_zero_shot", {"entailment_label": 2}),
    ("deberta_sequence_classifier", {"threshold": 1.5}),
    ("deberta_sequence_classifier", {"problem_type": "ranking"}),
    ("deberta_sequence_classifier", {"problem_type": []}),
    ("deberta_question_answering", {"n_best": 0}),
    ("deberta_question_answering", {"max_answer_length": 1.5}),
    ("deberta_question_answering", {"no_answer": "no"}),
    ("deberta_multiple_choice", {"overlap": 509}),
    ("deberta_fill_mask", {"top_k": 0}),
    ("deberta_fill_mask", {"mask_probability": 0}),
    ("deberta_token_classifier", {"annotate": "tags"}),
    ("deberta_token_classifier", {"annotate": "tag", "aggregation_strategy": "simple"}),
    ("deberta_token_classifier", {"spans_key": None}),
    ("deberta_token_classifier", {"only_first_pieces_trained": 1}),
]


@pytest.mark.parametrize(("factory", "settings"), REFUSED, ids=str)
def test_saved_settings_are_such_as_the_constructor_takes(factory, settings, tmp_path):
    pipe = spacy.blank("en").add_pipe(factory, config={"model": {"name": "x"}})
    damaged = json.dumps({**pipe.cfg, **settings})
    before = dict(pipe.cfg)
    (tmp_path / "cfg").write_text(damaged, encoding="utf-8")
    with pytest.raises(ValueError, match="E423.*cfg"):
        pipe.from_disk(tmp_path, exclude=["model", "vocab"])
    with pytest.raises(ValueError, match="E423.*bytes"):
        pipe.from_bytes(srsly.msgpack_dumps({"cfg": damaged}), exclude=["model", "vocab"])
    assert pipe.cfg == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-0.1", "1" * 5000])
def test_numbers_that_only_python_reads_as_json(number, tmp_path):
    pipe = spacy.blank("en").add_pipe("deberta_sequence_classifier")
    (tmp_path / "cfg").write_text(f'{{"threshold": {number}}}', encoding="utf-8")
    with pytest.raises(ValueError, match="E423"):
        pipe.from_disk(tmp_path, exclude=["model", "vocab"])


def test_a_setting_that_is_changed_to_what_it_can_not_be(tiny_checkpoint):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(
        "deberta_sequence_classifier", config={"model": {"name": str(tiny_checkpoint)}}
    )
    pipe.cfg["max_length"] = 1
    with pytest.raises(ValueError, match="E413.*max_length"):
        _ = pipe.settings


@pytest.mark.parametrize(
    "message",
    [
        {},
        [],
        7,
        {"format": None},
        {"format": float("inf")},
        {"format": 1},
        {"format": 1, "config": 7, "weights": []},
        {"format": 1, "config": "[1]", "weights": []},
        {"format": 1, "config": "{}"},
        {"format": 1, "config": "{}", "weights": None},
        {"format": 1, "config": "{}", "weights": ["x"]},
        {"format": 1, "config": "{}", "weights": [b"x"]},
    ],
)
def test_encoder_bytes_without_their_fields(message, tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    model = nlp.get_pipe("transformer").model
    saved = srsly.msgpack_loads(model.to_bytes())
    saved["shims"][2] = [srsly.msgpack_dumps(message)]
    with pytest.raises(ValueError, match="E407"):
        model.from_bytes(srsly.msgpack_dumps(saved))


@pytest.mark.parametrize("data", [b"", b"\xc1", srsly.msgpack_dumps({}), srsly.msgpack_dumps([1])])
def test_bytes_that_are_no_model(data, tiny_checkpoint):
    model = make_pipeline(tiny_checkpoint).get_pipe("transformer").model
    with pytest.raises(ValueError, match="E407"):
        model.from_bytes(data)


@pytest.mark.parametrize("factory", FACTORIES)
def test_weights_of_spacy_transformers_are_named(factory, tiny_checkpoint, tmp_path):
    nlp = spacy.blank("en")
    stock = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(tiny_checkpoint),
    }
    nlp.add_pipe("transformer", config={"model": stock})
    nlp.initialize()
    nlp.to_disk(tmp_path)
    config = nlp.config.copy()
    config["components"]["transformer"] = {"factory": factory, **encoder_config(tiny_checkpoint)}
    config.to_disk(tmp_path / "config.cfg")
    with pytest.raises(ValueError, match=r"E421.*spacy-transformers\.TransformerModel.*migrating"):
        spacy.load(tmp_path)


def test_weights_of_another_architecture(tiny_checkpoint):
    nlp = make_pipeline(tiny_checkpoint, heads=("tagger",))
    nlp.initialize(lambda: make_examples(nlp))
    saved = nlp.get_pipe("tagger").model.to_bytes()
    with pytest.raises(ValueError, match="E422.*softmax.*deberta_model"):
        nlp.get_pipe("transformer").model.from_bytes(saved)

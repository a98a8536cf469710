"""Settings of all components and architectures with values of wrong types and out of range."""

import inspect
import re

import numpy as np
import pytest
import spacy
from confection import ConfigValidationError
from spacy.language import Language
from spacy.training import Example
from spacy.util import registry
from thinc.api import Config

import spacy_deberta.architectures as architectures
import spacy_deberta.layers  # noqa: F401 (makes the registry of span getters)
from tests.pipeline.checkpoints import make_pipeline

CODED = re.compile(r"\[(spacy-deberta )?E\d+\]")
HEADS = (
    "deberta_fill_mask",
    "deberta_gliner",
    "deberta_multiple_choice",
    "deberta_question_answering",
    "deberta_sequence_classifier",
    "deberta_token_classifier",
    "deberta_zero_shot",
)
# By the type of the default. spaCy's own check accepts a number in quotes.
BAD = {
    bool: ("true", 1, None),
    int: ("7", "x", 1.5, True, None, -1, 2**63),
    float: ("0.5", "x", True, None, -1.0),
    str: (5, None, ["a"]),
    list: ("a, b", None, [1]),
}
WINDOWS = {"@span_getters": "spacy-deberta.piece_windows.v1", "window": 510, "overlap": 64}
POOLED = {
    "@architectures": "spacy-deberta.PooledTextClassifier.v1",
    "tok2vec": {"@architectures": "spacy-deberta.DocumentListener.v1"},
    "exclusive_classes": True,
}


def _settings_of_factories():
    for factory in HEADS:
        spacy.blank("en").add_pipe(factory)  # spaCy registers a factory at its first use
        for name, default in Language.get_factory_meta(factory).default_config.items():
            for value in BAD.get(type(default), ()):
                yield pytest.param(factory, name, value, id=f"{factory}-{name}-{value!r}")


def _settings_of_the_encoder():
    for name, parameter in inspect.signature(architectures.deberta_v2_model_v1).parameters.items():
        for value in BAD.get(type(parameter.default), ()):
            yield pytest.param(name, value, id=f"{name}-{value!r}")


def _examples():
    return [Example.from_dict(spacy.blank("en")("Mira left."), {"cats": {"travel": 1.0}})]


def _refused(function, *args, **kwargs):
    """By spaCy's check of types, or with a code of spaCy's or ours."""
    with pytest.raises((ConfigValidationError, ValueError)) as caught:
        function(*args, **kwargs)
    assert isinstance(caught.value, ConfigValidationError) or CODED.match(str(caught.value))


@pytest.mark.parametrize(("factory", "name", "value"), [*_settings_of_factories()])
def test_a_component_refuses_values_of_another_kind(factory, name, value):
    _refused(spacy.blank("en").add_pipe, factory, config={name: value})


@pytest.mark.parametrize(("name", "value"), [*_settings_of_the_encoder()])
@pytest.mark.parametrize("architecture", ["DebertaV2Model", "DebertaV2WithHead"])
def test_an_architecture_refuses_values_of_another_kind(architecture, name, value):
    if architecture == "DebertaV2Model":
        block = {"get_spans": WINDOWS}
    else:
        block = {"head": "sequence_classification"}
    block |= {"@architectures": f"spacy-deberta.{architecture}.v1", name: value}
    _refused(registry.resolve, {"model": block})


@pytest.mark.parametrize("setting", [{"window": "510"}, {"overlap": "64"}], ids=str)
def test_windows_refuse_numbers_in_quotes(setting):
    _refused(registry.resolve, {"get_spans": {**WINDOWS, **setting}})


@pytest.mark.parametrize(
    "setting",
    [{"hidden_size": "64"}, {"dropout": "0.1"}, {"grad_factor": "1"}, {"nO": "2"}, {"nO": 0}],
    ids=str,
)
def test_a_pooled_text_classifier_refuses_numbers_in_quotes(setting):
    _refused(registry.resolve, {"model": {**POOLED, **setting}})


@pytest.mark.parametrize("reader", ["TextCorpus", "SquadCorpus", "MultipleChoiceCorpus"])
@pytest.mark.parametrize("limit", ["7", -1, True])
def test_readers_refuse_a_limit_that_is_no_count(reader, limit):
    block = {"@readers": f"spacy-deberta.{reader}.v1", "path": "questions.tsv", "limit": limit}
    _refused(registry.resolve, {"reader": block})


@pytest.mark.parametrize(
    "columns",
    [
        {"choice_columns": "2345"},
        {"choice_columns": ["2", "3"]},
        {"question_column": "1"},
        {"answer_column": "6"},
    ],
    ids=str,
)
def test_columns_are_whole_numbers(columns):
    block = {"@readers": "spacy-deberta.MultipleChoiceCorpus.v1", "path": "codah.tsv", **columns}
    with pytest.raises(ValueError, match=f"E413.*{next(iter(columns))}"):
        registry.resolve({"reader": block})


@pytest.mark.parametrize("threshold", ["NaN", "Infinity", "-0.1", "1.5"])
@pytest.mark.parametrize("factory", ["deberta_sequence_classifier", "deberta_zero_shot"])
def test_a_threshold_is_from_0_to_1(factory, threshold):
    values = Config().from_str(f"[component]\nthreshold = {threshold}\n")["component"]
    block = {"factory": factory, **values}
    config = {"nlp": {"lang": "en", "pipeline": ["c"]}, "components": {"c": block}}
    _refused(spacy.util.load_model_from_config, config, auto_fill=True)


def test_numbers_of_numpy_are_numbers():
    pipe = spacy.blank("en").add_pipe("deberta_sequence_classifier")
    other = type(pipe)(pipe.vocab, pipe.model, max_length=np.int64(128), threshold=np.float32(0.5))
    assert other.cfg["max_length"] == 128


STRINGS = ("travel, food", b"travel", 7, [7], [None])


@pytest.mark.parametrize("labels", STRINGS, ids=repr)
@pytest.mark.parametrize("factory", ["deberta_sequence_classifier", "deberta_token_classifier"])
def test_labels_of_a_new_head_are_a_list_of_strings(factory, labels, tiny_checkpoint):
    pipe = spacy.blank("en").add_pipe(factory, config={"model": {"name": str(tiny_checkpoint)}})
    with pytest.raises(ValueError, match="E624.*'labels'"):
        pipe.initialize(_examples, labels=labels)
    with pytest.raises(ConfigValidationError):
        make_pipeline(
            factory,
            model={"name": str(tiny_checkpoint)},
            initialize={"labels": labels if isinstance(labels, str) else [7]},
        )


@pytest.mark.parametrize("labels", STRINGS, ids=repr)
def test_candidate_labels_are_a_list_of_strings(labels):
    pipe = spacy.blank("en").add_pipe("deberta_zero_shot")
    with pytest.raises(ValueError, match="E624.*'labels'"):
        pipe.labels = labels
    with pytest.raises(ValueError, match="E624.*'labels'"):
        pipe.initialize(_examples, labels=labels)
    with pytest.raises(ValueError, match="E624.*'labels'"):
        pipe.classify([], labels=labels)
    with pytest.raises(ValueError, match="E624.*'labels'"):
        type(pipe)(pipe.vocab, pipe.model, labels=labels)


def test_a_label_given_twice_is_refused(tiny_checkpoint):
    twice = ["travel", "food", "travel"]
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match="E625.*'travel' twice"):
        nlp.add_pipe("deberta_zero_shot", config={"labels": twice})
    pipe = nlp.add_pipe("deberta_zero_shot")
    with pytest.raises(ValueError, match="E625"):
        pipe.labels = twice
    with pytest.raises(ValueError, match="E625"):
        pipe.classify([], labels=twice)
    for factory in ("deberta_sequence_classifier", "deberta_token_classifier"):
        pipe = nlp.add_pipe(factory, config={"model": {"name": str(tiny_checkpoint)}})
        with pytest.raises(ValueError, match="E625"):
            pipe.initialize(_examples, labels=twice)


def test_questions_are_lists_of_strings():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("deberta_question_answering")
    for questions in ("Who left?", ["Who left?"]):
        with pytest.raises(ValueError, match="E624.*'questions'.*Who left"):
            pipe.answer_all([nlp.make_doc("Mira left.")], questions)


def test_no_decay_is_a_list_of_strings():
    with pytest.raises(ValueError, match="E624.*'no_decay'"):
        architectures.deberta_v2_with_head_v1("masked_lm", no_decay="bias")

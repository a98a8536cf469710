import pytest

from spacy_deberta.checkpoints.layouts.detection import detect_key_map
from spacy_deberta.checkpoints.layouts.huggingface import HUGGING_FACE, HUGGING_FACE_GAMMA_BETA
from spacy_deberta.models.loading.extras import describe_extra
from tests.checkpoints.folders import gamma_beta, official_extras, prefixed
from tests.huggingface import shared_model

CLASSES = [
    "DebertaV2Model",
    "DebertaV2ForTokenClassification",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForMaskedLM",
]


@pytest.mark.parametrize("variant", ["v3", "v2", "absolute-positions", "own-projections"])
@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("rename", [dict, gamma_beta])
def test_names_come_back(variant, cls, rename):
    theirs = list(rename(shared_model(variant, cls).state_dict()))
    key_map = detect_key_map(theirs)
    ours = [key_map.to_ours(key) for key in theirs]
    assert [key_map.to_theirs(key) for key in ours] == theirs
    assert len(set(ours)) == len(ours)
    # Our keys are Hugging Face's with the prefix, for all layouts.
    expected = shared_model(variant, cls).state_dict()
    assert ours == list(prefixed(expected) if cls == "DebertaV2Model" else expected)


def test_layouts_are_told_apart(weights):
    bare = list(weights)
    assert detect_key_map(iter(bare)).backbone_prefix == ""
    assert detect_key_map(iter(prefixed(weights))) == HUGGING_FACE
    assert detect_key_map(prefixed(gamma_beta(weights))) == HUGGING_FACE_GAMMA_BETA
    assert "gamma" in detect_key_map(gamma_beta(weights)).layout
    # A head without an encoder, or an empty file.
    assert detect_key_map(["classifier.weight"]) == HUGGING_FACE
    assert detect_key_map([]) == HUGGING_FACE


def test_known_extras_are_described(tiny_config):
    for key in official_extras(tiny_config):
        assert describe_extra(key), key


@pytest.mark.parametrize(
    "key",
    [
        "mystery.weight",
        "deberta.embeddings.word_embeddings.weight",
        "deberta.embeddings.word_embeddings._weight.more",
        "deberta.encoder.layer.0.attention.self.in_proj.weight",
        "deberta.classifier.weight",
        "my_pooler.dense.weight",
        "classifiers.weight",
    ],
)
def test_other_names_are_not_taken_for_extras(key):
    assert describe_extra(key) is None

"""Labels, embeddings, sizes and flags that a model can't take, each with a coded error."""

import pytest
import torch

from spacy_deberta import (
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2ForMultipleChoice,
    DebertaV2ForQuestionAnswering,
    DebertaV2ForReplacedTokenDetection,
    DebertaV2ForSequenceClassification,
    DebertaV2ForTokenClassification,
    DebertaV2Model,
    DebertaV2Tokenizer,
)
from spacy_deberta.layers import EncoderOptions, EncoderSource

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "num_labels": 3,
}
CONFIG = DebertaV2Config.from_dict(SIZES)
IDS = torch.arange(5, 11).reshape(2, 3)


@pytest.mark.parametrize(
    ("head", "labels", "message"),
    [
        (DebertaV2ForTokenClassification, [[0, 1, 3], [0, 0, 0]], "3.*from 0 to 2"),
        (DebertaV2ForTokenClassification, [[0, 1, -1], [0, 0, 0]], "-1.*from 0 to 2"),
        (DebertaV2ForSequenceClassification, [0, 9], "9.*from 0 to 2"),
        (DebertaV2ForSequenceClassification, [[0, 1, 1], [0, 5, 0]], "5.*from 0 to 1"),
        (DebertaV2ForMaskedLM, [[0, 59, -100], [60, 0, 0]], "60.*from 0 to 59"),
        (DebertaV2ForReplacedTokenDetection, [[0, 1, -100], [2, 0, 0]], "2.*from 0 to 1"),
    ],
)
def test_labels_out_of_range(head, labels, message):
    model = head(CONFIG)
    with pytest.raises(ValueError, match=f"E413.*'labels' is {message}"):
        model(IDS, labels=torch.tensor(labels))


def test_a_choice_out_of_range():
    model = DebertaV2ForMultipleChoice(CONFIG)
    with pytest.raises(ValueError, match="E413.*'labels' is 2.*from 0 to 1"):
        model(IDS[None], labels=torch.tensor([2]))


def test_embeddings_of_another_width():
    with pytest.raises(ValueError, match="E413.*'inputs_embeds' is of width 9.*of width 16"):
        DebertaV2Model(CONFIG)(inputs_embeds=torch.rand(2, 3, 9))


@pytest.mark.parametrize("count", ["x", 61.5, True])
def test_the_number_of_embeddings_must_be_a_whole_number(count):
    model = DebertaV2Model(CONFIG)
    with pytest.raises(ValueError, match="E413.*'new_num_tokens'"):
        model.resize_token_embeddings(count)
    with pytest.raises(ValueError, match="E413.*'pad_to_multiple_of'"):
        model.resize_token_embeddings(64, pad_to_multiple_of=count)


def test_a_config_must_be_a_dictionary():
    with pytest.raises(ValueError, match="E413.*NoneType.*config.json"):
        DebertaV2Config.from_dict(None)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    DebertaV2ForSequenceClassification(CONFIG).save_pretrained(folder)
    return folder


def test_answers_from_a_classifier(classifier):
    with pytest.raises(ValueError, match="E120.*3 labels.*'num_labels = 2' makes a new head"):
        DebertaV2ForQuestionAnswering.from_pretrained(classifier)
    model = DebertaV2ForQuestionAnswering.from_pretrained(
        classifier, config_overrides={"num_labels": 2}
    )
    assert model.qa_outputs.out_features == 2


@pytest.mark.parametrize("flag", ["map_weights", "allow_non_finite", "local_files_only"])
def test_flags_of_from_pretrained_are_booleans(flag, classifier):
    with pytest.raises(ValueError, match=f"E413.*'{flag}' is 'no', but must be true or false"):
        DebertaV2Model.from_pretrained(classifier, **{flag: "no"})


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        (
            EncoderOptions,
            "gradient_checkpointing output_hidden_states freeze_embeddings map_weights "
            "allow_non_finite",
        ),
        (EncoderSource, "split_special_tokens is_split_into_words"),
    ],
)
def test_flags_of_architectures_are_booleans(settings, flags):
    """spaCy checks those of a config, but not those of a call."""
    for flag in flags.split():
        for value in ("no", 1):
            with pytest.raises(ValueError, match=f"E413.*'{flag}'"):
                settings(**{flag: value})


def test_flags_of_tokenizers_are_booleans(tiny_vocabulary):
    for flag in ("do_lower_case", "split_by_punct", "split_special_tokens"):
        with pytest.raises(ValueError, match=f"E413.*'{flag}'"):
            DebertaV2Tokenizer(tiny_vocabulary, **{flag: "no"})

"""Messages name the component and the kind of checkpoint that it needs."""

import pytest
import spacy

from tests.pipeline.checkpoints import make_pipeline, save_checkpoint

NEEDS = {
    "deberta_fill_mask": "masked language modelling, such as 'microsoft/deberta-v2-xlarge'",
    "deberta_multiple_choice": "`DebertaV2ForMultipleChoice`.*'microsoft/deberta-v3-base'",
    "deberta_question_answering": "answer questions, such as 'deepset/deberta-v3-base-squad2'",
    "deberta_sequence_classifier": "classify texts, such as 'protectai/deberta-v3-base-prompt-inj",
    "deberta_token_classifier": "label tokens, such as 'tner/deberta-v3-large-wnut2017'",
    "deberta_zero_shot": r"\(NLI\), such as 'MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli'",
}
# Labels without a checkpoint would be those of a new head.
SETTINGS = {"deberta_zero_shot": {"labels": ["travel"]}}


@pytest.mark.parametrize("factory", [*NEEDS, "deberta"])
def test_without_a_source_the_component_is_named(factory):
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, name="mine", config={"model": {"name": None}})
    with pytest.raises(ValueError, match=r"E401.*\[components\.mine\.model\]"):
        nlp.initialize()


@pytest.mark.parametrize("factory", [*NEEDS, "deberta"])
def test_before_initialization_the_component_is_named(factory):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory, name="mine", config=SETTINGS.get(factory, {}))
    doc = nlp.make_doc("Mira left [MASK].")
    doc._.choices = ["home", "early"] if doc.has_extension("choices") else None
    doc._.questions = [{"id": "1", "question": "Who left?", "answers": []}]
    with pytest.raises(ValueError, match=r"E403.*\[components\.mine\]"):
        pipe.predict([doc])


def test_a_copied_model_keeps_the_name():
    pipe = spacy.blank("en").add_pipe("deberta", name="mine")
    with pytest.raises(ValueError, match=r"E403.*\[components\.mine\]"):
        pipe.model.copy().predict([spacy.blank("en")("Mira left.")])


@pytest.mark.parametrize("factory", NEEDS)
def test_without_a_head_the_message_says_what_to_give(factory, tiny_checkpoint):
    wanted = rf"E602.*\[components\.mine\.model\] to .*{NEEDS[factory]}"
    with pytest.raises(ValueError, match=wanted):
        make_pipeline(factory, name="mine", model={"name": str(tiny_checkpoint)})


def test_unknown_labels_name_the_component(tmp_path, tiny_config, tiny_tokenizer):
    name = "DebertaV2ForSequenceClassification"
    folder = save_checkpoint(tmp_path / "x", name, tiny_config, tiny_tokenizer, labels=["A", "B"])
    with pytest.raises(ValueError, match=r"E603.*\[initialize\.components\.mine\]"):
        make_pipeline(
            "deberta_sequence_classifier",
            name="mine",
            model={"name": str(folder)},
            initialize={"labels": ["C"]},
        )

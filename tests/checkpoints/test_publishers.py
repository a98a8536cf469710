"""Folders as people publish them: read as Hugging Face's classes do, or refused by their kind."""

import pytest
import spacy
import torch
import transformers

import spacy_deberta
from spacy_deberta.models import describe_checkpoint
from spacy_deberta.tokenization import DebertaV2Tokenizer
from tests.checkpoints.publishers import CHINESE, READ, REFUSED
from tests.conftest import SENTENCES
from tests.pipeline.checkpoints import make_pipeline

TEXTS = [*SENTENCES[:4], "Hello world ", "A second  sentence.", "", "Montréal"]
PAIRS = [*SENTENCES[4:8], "hello", "?", "nothing", "in Lyon"]
NLI = (
    "MoritzLaurer/mnli",
    "MoritzLaurer/zeroshot-v2.0",
    "cross-encoder/nli",
    "sileod/tasksource-nli",
)


@pytest.fixture(scope="module")
def publish(tmp_path_factory, tiny_vocabulary):
    """A function that writes the folder of a publisher, once."""
    written = {}

    def write(name):
        if name not in written:
            written[name] = tmp_path_factory.mktemp("published") / "folder"
            {**READ, **REFUSED}[name][0](written[name], tiny_vocabulary)
        return written[name]

    return write


def compare(name, folder, cls, *, is_fast, texts, pairs=None, **place):
    """Ids and logits of both, for a padded batch."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=is_fast, **place)
    theirs = tokenizer(texts, pairs, padding=True, return_tensors="pt")
    ours = DebertaV2Tokenizer.from_pretrained(folder, **place)
    batch = ours(texts, pairs, padding=True, return_tensors="pt")
    assert batch["input_ids"].tolist() == theirs["input_ids"].tolist()
    mask = theirs["attention_mask"]
    assert batch["attention_mask"].equal(mask)
    inputs = {"input_ids": theirs["input_ids"], "attention_mask": mask}
    model = getattr(spacy_deberta, cls).from_pretrained(folder, **place)
    their_model = getattr(transformers, cls).from_pretrained(folder, **place).eval()
    with torch.no_grad():
        found, expected = model(**inputs), their_model(**inputs)
    for key in ("logits", "start_logits", "end_logits"):
        if key in expected:
            difference = (found[key] - expected[key]).abs()
            of_pieces = expected[key].shape[:2] == mask.shape
            assert difference[mask.bool() if of_pieces else ...].max() < 1e-4, key
            assert expected[key].abs().max() > 0.1, key
    assert model.config.id2label == their_model.config.id2label


@pytest.mark.parametrize("pairs", [None, PAIRS], ids=["texts", "pairs"])
@pytest.mark.parametrize("name", READ)
def test_ids_and_logits_are_those_of_hugging_face(name, pairs, publish):
    _, cls, is_fast = READ[name]
    texts = [*TEXTS[:-1], CHINESE] if "IDEA" in name else TEXTS
    compare(name, publish(name), cls, is_fast=is_fast, texts=texts, pairs=pairs)


@pytest.mark.parametrize("subfolder", ["tagger", "deprel"])
def test_models_in_subfolders(subfolder, publish):
    folder = publish("KoichiYasuoka/ud-head")
    cls = "DebertaV2ForTokenClassification"
    compare(subfolder, folder, cls, is_fast=True, texts=TEXTS, subfolder=subfolder)


@pytest.mark.parametrize("name", READ)
def test_info_reads_every_folder(name, publish):
    found = describe_checkpoint(publish(name))
    assert found.pieces
    assert not found.non_finite
    assert "unknown" not in found.heads.values()


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NLI)
def test_zero_shot_scores_are_those_of_hugging_faces_pipeline(name, multi_label, publish):
    folder = publish(name)
    labels, text = ["a cup", "an element", "soup"], SENTENCES[2]
    nlp, _ = make_pipeline(
        "deberta_zero_shot",
        model={"name": str(folder)},
        labels=labels,
        multi_label=multi_label,
    )
    classify = transformers.pipeline(
        "zero-shot-classification",
        model=transformers.AutoModelForSequenceClassification.from_pretrained(folder),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder, use_fast=READ[name][2]),
    )
    expected = classify(text, labels, multi_label=multi_label)
    scores = dict(zip(expected["labels"], expected["scores"], strict=True))
    assert nlp(text).cats == pytest.approx(scores, abs=1e-4)


def test_a_reward_is_a_score_and_no_class(publish):
    folder = publish("OpenAssistant/reward-model")
    nlp, pipe = make_pipeline("deberta_sequence_classifier", model={"name": str(folder)})
    classify = transformers.pipeline("text-classification", model=str(folder))
    for text in SENTENCES[:3]:
        (expected,) = classify([text], function_to_apply="none")
        assert nlp(text).cats == pytest.approx({"REWARD": expected["score"]}, abs=1e-4)
    assert pipe.labels == ("REWARD",)


# A GLiNER is no encoder, but can be described.
REFUSALS = [
    *((spacy_deberta.DebertaV2Model.from_pretrained, name) for name in REFUSED),
    *((describe_checkpoint, name) for name in REFUSED if name != "urchade/gliner"),
]


@pytest.mark.parametrize(("load", "name"), REFUSALS)
def test_other_folders_are_refused_by_their_kind(load, name, publish):
    with pytest.raises((OSError, ValueError), match=REFUSED[name][1]):
        load(publish(name))


@pytest.mark.parametrize("name", REFUSED)
def test_a_component_raises_the_same_error(name, publish):
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", config={"model": {"name": str(publish(name))}})
    with pytest.raises((OSError, ValueError), match=REFUSED[name][1]):
        nlp.initialize()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lakshyakh93/pii", "E344.*first DeBERTa"),
        ("urchade/gliner", "E338.*GLiNER"),
        ("adapters", "E320.*library adapters"),
    ],
)
def test_vocabularies_of_other_kinds(name, message, publish):
    with pytest.raises((OSError, ValueError), match=message):
        DebertaV2Tokenizer.from_pretrained(publish(name))

"""Checkpoints that were fine-tuned with added tokens, in components."""

import json
from functools import cache

import pytest
import spacy
import torch
from spacy.training import Example

from spacy_deberta.layers import encode_texts, get_tokenizer, join_sequences
from tests.pipeline.checkpoints import huggingface_pipeline, make_pipeline

pytestmark = pytest.mark.slow

TEXTS = (
    "[E1] Mira Okafor [/E1] left [E2]Halden Freight[/E2] on Friday.",
    "remdesivir, Remdesivir and xremdesivirx[E1][E1]",
    "The bank raised prices.",
)
SEQUENCES = "DebertaV2ForSequenceClassification"


def save(folder, class_name, values, vocabulary, *, labels):
    """Save a checkpoint with Hugging Face's classes: tokens added, embeddings resized."""
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.DebertaV2Tokenizer(str(vocabulary))
    tokenizer.add_tokens(["remdesivir"])
    markers = ["[E1]", "[/E1]", "[E2]", "[/E2]"]
    tokenizer.add_special_tokens({"additional_special_tokens": markers})
    torch.manual_seed(0)
    values = {**values, "vocab_size": tokenizer.vocab_size}
    ids = {label: i for i, label in enumerate(labels)}
    config = transformers.DebertaV2Config(**values, id2label=dict(enumerate(labels)), label2id=ids)
    model = getattr(transformers, class_name)(config).eval()
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory, tiny_config, tiny_vocabulary):
    """A function from the name of a class, and labels, to a folder of it."""

    @cache
    def get(class_name, labels=("GOOD", "BAD")):
        folder = tmp_path_factory.mktemp("added")
        return save(folder, class_name, tiny_config, tiny_vocabulary, labels=labels)

    return get


@pytest.fixture(scope="module")
def classifier(checkpoints):
    return checkpoints(SEQUENCES)


def test_scores_of_texts_are_those_of_hugging_face(classifier):
    nlp, _ = make_pipeline("deberta_sequence_classifier", model={"name": str(classifier)})
    pipe = huggingface_pipeline("text-classification", SEQUENCES, classifier, top_k=None)
    for doc, scores in zip(nlp.pipe(TEXTS), pipe(list(TEXTS)), strict=True):
        assert doc.cats == pytest.approx({row["label"]: row["score"] for row in scores}, abs=1e-5)
    # Without the markers the scores differ, so the test can fail.
    assert nlp(TEXTS[0]).cats != pytest.approx(
        nlp("Mira Okafor left Halden Freight").cats, abs=0.01
    )


def test_labels_of_pieces_are_those_of_hugging_face(checkpoints):
    transformers = pytest.importorskip("transformers")
    name = "DebertaV2ForTokenClassification"
    folder = checkpoints(name, ("O", "B-X", "I-X"))
    nlp, pipe = make_pipeline(
        "deberta_token_classifier", model={"name": str(folder)}, aggregation_strategy="simple"
    )
    slow = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    model = getattr(transformers, name).from_pretrained(folder).eval()
    for text in TEXTS:
        with torch.no_grad():
            logits = model(**slow(text, return_tensors="pt")).logits[0, 1:-1]
        found = pipe.predict([nlp.make_doc(text)])
        expected = logits.softmax(-1).numpy()[found.units.pieces]
        assert len(expected) >= len(text.split())
        assert found.probabilities == pytest.approx(expected, abs=1e-5)


def test_rows_of_the_encoder_are_those_of_hugging_face(checkpoints):
    transformers = pytest.importorskip("transformers")
    folder = checkpoints("DebertaV2Model")
    nlp = spacy.blank("en")
    nlp.add_pipe("deberta", config={"model": {"name": str(folder)}})
    nlp.initialize()
    slow = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    model = transformers.DebertaV2Model.from_pretrained(folder).eval()
    for text in TEXTS:
        doc = nlp(text)
        with torch.no_grad():
            expected = model(**slow(text, return_tensors="pt")).last_hidden_state[0].numpy()
        found = doc._.trf_data.model_output.last_hidden_state[0]
        assert found == pytest.approx(expected, abs=1e-4)
        assert "[E1]" not in text or "[E1]" in doc._.trf_data.wordpieces.strings[0]


def test_questions_and_contexts_are_the_sequences_of_hugging_face(checkpoints):
    transformers = pytest.importorskip("transformers")
    folder = checkpoints("DebertaV2ForQuestionAnswering")
    _, pipe = make_pipeline("deberta_question_answering", model={"name": str(folder)})
    tokenizer = get_tokenizer(pipe.model)
    slow = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    pair = ("Who is [E1]?", TEXTS[0])
    first, second = (encode_texts(tokenizer, [text]) for text in pair)
    joined = join_sequences(tokenizer, first, second)
    assert joined.sequences.input_ids.tolist() == slow(*pair)["input_ids"]


def test_zero_shot_reads_added_tokens_in_texts_and_labels(checkpoints):
    folder = checkpoints(SEQUENCES, ("entailment", "not_entailment"))
    labels = ["about remdesivir", "about [E1]"]
    nlp, _ = make_pipeline(
        "deberta_zero_shot", model={"name": str(folder)}, labels=labels, multi_label=True
    )
    pipe = huggingface_pipeline("zero-shot-classification", SEQUENCES, folder)
    for text in TEXTS:
        expected = pipe(text, candidate_labels=labels, multi_label=True)
        scores = dict(zip(expected["labels"], expected["scores"], strict=True))
        assert nlp(text).cats == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize("place", ["settings", "checkpoint"])
def test_markers_of_documents_can_be_made_text(place, classifier, tmp_path):
    folder, settings = classifier, {"split_special_tokens": True}
    if place == "checkpoint":
        folder = tmp_path / "checkpoint"
        folder.mkdir()
        for file in classifier.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        values = json.loads((folder / "tokenizer_config.json").read_text())
        values["split_special_tokens"] = True
        (folder / "tokenizer_config.json").write_text(json.dumps(values))
        settings = {}
    nlp, _ = make_pipeline("deberta_sequence_classifier", model={"name": str(folder), **settings})
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    again = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    plain, _ = make_pipeline("deberta_sequence_classifier", model={"name": str(classifier)})
    text = "[E1] Mira [/E1] took remdesivir."
    for one in (nlp, loaded, again):
        tokenizer = get_tokenizer(one.get_pipe("classifier").model)
        ids = tokenizer.encode_batch([text]).ids.tolist()
        found = [tokenizer.convert_ids_to_tokens(i) for i in ids if i in tokenizer.added_tokens]
        assert found == ["remdesivir"]
        assert one(text).cats == nlp(text).cats != plain(text).cats


def test_a_loaded_pipeline_does_what_its_config_says(classifier, tmp_path):
    nlp, _ = make_pipeline("deberta_sequence_classifier", model={"name": str(classifier)})
    nlp.to_disk(tmp_path)
    setting = "components.classifier.model.split_special_tokens"
    for value in (True, False, None):
        loaded = spacy.load(tmp_path, config={setting: value})
        tokenizer = get_tokenizer(loaded.get_pipe("classifier").model)
        assert tokenizer.split_special_tokens is bool(value)


def test_a_shared_encoder_brings_its_tokenizer():
    model = {"shared_encoder": "deberta", "split_special_tokens": True}
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match="E413.*split_special_tokens"):
        nlp.add_pipe("deberta_sequence_classifier", config={"model": model})


def test_an_own_encoder_keeps_the_setting(checkpoints, tmp_path):
    """`replace_listeners` gives the component an encoder with the settings of the shared one."""
    nlp = spacy.blank("en")
    settings = {"name": str(checkpoints("DebertaV2Model")), "split_special_tokens": True}
    nlp.add_pipe("deberta", config={"model": settings})
    listener = {
        "@architectures": "spacy-deberta.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}
    nlp.add_pipe("tagger", config={"model": tagger}).add_label("X")
    doc = nlp.make_doc("[E1] Mira")
    tags = {"tags": ["X"] * len(doc)}
    nlp.initialize(lambda: [Example.from_dict(doc, tags)])
    nlp.replace_listeners("deberta", "tagger", ["model.tok2vec"])
    nlp.remove_pipe("deberta")
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    for one in (nlp, loaded):
        node = next(n for n in one.get_pipe("tagger").model.walk() if n.name == "deberta_model")
        assert get_tokenizer(node).split_special_tokens

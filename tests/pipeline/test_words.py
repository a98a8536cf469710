"""Pipelines for checkpoints that were trained on words: each token is split on its own."""

import warnings

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

from spacy_deberta.layers import get_tokenizer
from tests.pipeline.checkpoints import make_pipeline, save_checkpoint
from tests.pipeline.pipelines import encoder_config

# No token stands between spaces, as in Japanese.
WORDS = ["The", "com", "mittee", "\n", "left", "猫", "が", "."]
LABELS = ("O", "B-A", "I-A")


def make_doc(nlp):
    return Doc(nlp.vocab, words=WORDS, spaces=[False] * len(WORDS))


def encoder_pipeline(checkpoint, **settings):
    nlp = spacy.blank("en")
    config = encoder_config(checkpoint, is_split_into_words=True, **settings)
    nlp.add_pipe("deberta", name="transformer", config=config)
    nlp.initialize()
    return nlp


def run(folder, class_name):
    """The output of Hugging Face's model, and the word of each row."""
    transformers = pytest.importorskip("transformers")
    model = getattr(transformers, class_name).from_pretrained(folder).eval()
    tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(folder)
    inputs = tokenizer(WORDS, is_split_into_words=True, return_tensors="pt")
    pieces = [len(tokenizer.tokenize(word)) for word in WORDS]
    with torch.no_grad():
        return model(**inputs)[0][0, 1:-1].numpy(), np.repeat(np.arange(len(WORDS)), pieces)


def test_rows_are_those_of_huggingface(tiny_checkpoint, tmp_path):
    nlp = encoder_pipeline(tiny_checkpoint)
    expected, words = run(tiny_checkpoint, "DebertaV2Model")
    nlp.to_disk(tmp_path)
    copied = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for pipeline in (nlp, spacy.load(tmp_path), copied):
        doc = pipeline(make_doc(pipeline))
        (ahead,) = pipeline.pipe([make_doc(pipeline)])
        for data in (doc._.trf_data, ahead._.trf_data):
            rows = data.model_output.last_hidden_state[0]
            np.testing.assert_allclose(rows[1 : 1 + len(expected)], expected, atol=1e-5)
            assert data.align.lengths[WORDS.index("\n")] == 1
            found = np.repeat(np.arange(len(WORDS)), data.align.lengths)
            assert np.delete(found, np.flatnonzero(found == 3)).tolist() == words.tolist()


def test_spans_have_all_pieces_of_their_tokens(tiny_checkpoint):
    """Also the piece of a space at the start of a window."""
    strided = {"@span_getters": "spacy-deberta.strided_spans.v1", "window": 1, "stride": 1}
    nlp = encoder_pipeline(tiny_checkpoint, get_spans=strided)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = nlp(make_doc(nlp))._.trf_data
    alone = encoder_pipeline(tiny_checkpoint)
    own = alone(Doc(alone.vocab, words=["猫"]))._.trf_data
    rows = data.model_output.last_hidden_state[0]
    start = int(data.align.lengths[: WORDS.index("猫")].sum())
    found = rows[data.align.data[start : start + len(own.align.data)].ravel()]
    expected = own.model_output.last_hidden_state[0][own.align.data.ravel()]
    assert len(expected) > 1
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory, tiny_config, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("tagger")
    name = "DebertaV2ForTokenClassification"
    return save_checkpoint(folder, name, tiny_config, tiny_tokenizer, labels=LABELS, seed=3)


def test_tags_are_those_of_the_first_pieces(tagger):
    logits, words = run(tagger, "DebertaV2ForTokenClassification")
    model = {"name": str(tagger), "is_split_into_words": True}
    settings = {"annotate": "tag", "aggregation_strategy": "first"}
    nlp, _ = make_pipeline("deberta_token_classifier", model=model, **settings)
    doc = nlp(make_doc(nlp))
    for word, token in enumerate(doc):
        if word in words:
            assert token.tag_ == LABELS[logits[words == word][0].argmax()]


def test_classes_are_those_of_huggingface(tmp_path, tiny_config, tiny_tokenizer):
    name = "DebertaV2ForSequenceClassification"
    save_checkpoint(tmp_path, name, tiny_config, tiny_tokenizer, labels=("A", "B"), seed=4)
    transformers = pytest.importorskip("transformers")
    theirs = getattr(transformers, name).from_pretrained(tmp_path).eval()
    tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(tmp_path)
    with torch.no_grad():
        inputs = tokenizer(WORDS, is_split_into_words=True, return_tensors="pt")
        expected = theirs(**inputs).logits.softmax(1)[0].tolist()
    model = {"name": str(tmp_path), "is_split_into_words": True}
    nlp, _ = make_pipeline("deberta_sequence_classifier", model=model)
    assert list(nlp(make_doc(nlp)).cats.values()) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("factory", ["deberta_fill_mask", "deberta_question_answering"])
def test_components_for_strings(factory, tiny_checkpoint):
    model = {"name": str(tiny_checkpoint), "is_split_into_words": True}
    with pytest.raises(ValueError, match="E245.*deberta_token_classifier"):
        spacy.blank("en").add_pipe(factory, config={"model": model})
    nlp = encoder_pipeline(tiny_checkpoint)
    model = {"name": None, "shared_encoder": "transformer"}
    with pytest.raises(ValueError, match="E245.*shared encoder"):
        nlp.add_pipe(factory, config={"model": model})


def test_zero_shot_refuses_it(tmp_path, tiny_config, tiny_tokenizer):
    name = "DebertaV2ForSequenceClassification"
    labels = ("entailment", "contradiction")
    save_checkpoint(tmp_path, name, tiny_config, tiny_tokenizer, labels=labels)
    model = {"name": str(tmp_path), "is_split_into_words": True}
    nlp, _ = make_pipeline("deberta_zero_shot", model=model, initialize={"labels": ["X", "Y"]})
    with pytest.raises(ValueError, match="E245.*classifier"):
        nlp(make_doc(nlp))


def test_a_shared_encoder_splits_for_its_classifier(tiny_checkpoint, tagger):
    nlp = encoder_pipeline(tiny_checkpoint)
    model = {"name": str(tagger), "shared_encoder": "transformer"}
    settings = {"annotate": "tag", "aggregation_strategy": "first", "model": model}
    pipe = nlp.add_pipe("deberta_token_classifier", config=settings)
    with pytest.warns(UserWarning, match="W620"):
        nlp.initialize()
    units, _ = pipe._prepare([make_doc(nlp)])
    ids = get_tokenizer(pipe.model)(WORDS, is_split_into_words=True)["input_ids"][1:-1]
    assert len(units.pieces) == len(ids)
    model = {**model, "is_split_into_words": True}
    with pytest.raises(ValueError, match="is_split_into_words.*whose component has the tokenizer"):
        nlp.add_pipe("deberta_token_classifier", name="other", config={"model": model})


@pytest.mark.parametrize("value", [1, "true", None])
def test_other_values(value, tiny_checkpoint):
    config = encoder_config(tiny_checkpoint, is_split_into_words=value)
    with pytest.raises(ValueError, match="is_split_into_words"):
        spacy.blank("en").add_pipe("deberta", config=config)

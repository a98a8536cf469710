import io
import warnings

import numpy as np
import pytest
import spacy
import torch
import transformers
from spacy.cli._util import app
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from typer.testing import CliRunner

from spacy_deberta.layers import get_tokenizer
from tests.conftest import SENTENCES
from tests.docs.pages import ROOT
from tests.pipeline.checkpoints import make_pipeline, save_checkpoint
from tests.pipeline.sentences import make_docs
from tests.pipeline.test_configs import SIZE

FACTORY = "deberta_token_classifier"
CLASS = "DebertaV2ForTokenClassification"
LABELS = ("O", "B-PERSON", "I-PERSON", "B-GPE", "I-GPE")
SCORES = {"ents": "ents_f", "spans": "spans_names_f", "tag": "tag_acc"}
TEXTS = ("", "  \n", "Mira 😀👍🏽 left\n\n Lyon.", "\u200b", "She  didn't.", SENTENCES[0])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("heads") / "tokens"
    return save_checkpoint(folder, CLASS, tiny_config, tiny_tokenizer, labels=LABELS)


def read_docs(vocab, count=40):
    docs = make_docs(vocab, count)
    for doc in docs:
        doc.spans["names"] = list(doc.ents)
    return docs


def without_annotation(doc):
    spaces = [bool(token.whitespace_) for token in doc]
    return Doc(doc.vocab, words=[token.text for token in doc], spaces=spaces)


def make_examples(docs):
    return [Example(without_annotation(doc), doc) for doc in docs]


def annotation(doc):
    group = doc.spans.get("names", ())
    return (
        [(e.start, e.end, e.label_) for e in doc.ents],
        [(s.start, s.end, s.label_) for s in group],
        [token.tag_ for token in doc],
    )


def make_trained(vocabulary, steps=60, max_length=512, overlap=64, **settings):
    spacy.util.fix_random_seed(0)
    examples = make_examples(read_docs(spacy.blank("en").vocab))
    nlp, pipe = make_pipeline(
        FACTORY,
        examples=examples,
        model={"from_scratch": {"vocabulary": str(vocabulary), **SIZE}},
        spans_key="names",
        max_length=max_length,
        overlap=overlap,
        **settings,
    )
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.005
    for step in range(steps):
        batch = [examples[(10 * step + index) % len(examples)] for index in range(10)]
        nlp.update(batch, sgd=optimizer, drop=0.1, losses={})
    return nlp, pipe, examples


@pytest.mark.slow
@pytest.mark.parametrize(
    ("annotate", "strategy"),
    [("ents", "first"), ("ents", "simple"), ("spans", "average"), ("tag", "first"), ("tag", "max")],
)
@pytest.mark.filterwarnings("ignore:.*W602")
def test_training_from_random_weights_beats_guessing(annotate, strategy, tiny_vocabulary):
    nlp, pipe, examples = make_trained(
        tiny_vocabulary, annotate=annotate, aggregation_strategy=strategy
    )
    # The most frequent tag is right for 2 of 7 tokens, and the most frequent label finds no span.
    assert nlp.evaluate(examples)[SCORES[annotate]] > 0.85
    if annotate != "tag":
        assert pipe.labels == LABELS
        assert pipe.span_types == ("PERSON", "GPE")


def test_long_documents_are_read_in_windows(tiny_vocabulary):
    nlp, pipe, examples = make_trained(tiny_vocabulary, max_length=24, overlap=8)
    long = Doc.from_docs([example.reference for example in examples])
    (one,) = make_examples([long])
    assert len(pipe.predict([one.predicted]).units.lengths) > 20 * 24
    assert nlp.evaluate([one])["ents_f"] > 0.85
    # An update, too, reads each piece from one window: the loss is that of all units once.
    batch = pipe.training_batch([one])
    gold = pipe.training_batch(examples)
    assert batch.sequences.lengths.max() <= 24 < gold.sequences.lengths.sum()
    assert nlp.update([one], losses={})["classifier"] < 0.5


@pytest.mark.parametrize("annotate", SCORES)
@pytest.mark.parametrize("strategy", ["first", "average", "max", "simple"])
@pytest.mark.filterwarnings("ignore:.*W602")
def test_unusual_texts_alone_and_in_a_batch(annotate, strategy, checkpoint):
    if (annotate, strategy) == ("tag", "simple"):
        with pytest.raises(ValueError, match="E413.*aggregation_strategy"):
            make_pipeline(FACTORY, annotate=annotate, aggregation_strategy=strategy)
        return
    nlp, _ = make_pipeline(
        FACTORY,
        model={"name": str(checkpoint)},
        annotate=annotate,
        spans_key="names",
        aggregation_strategy=strategy,
    )
    together = [annotation(doc) for doc in nlp.pipe(TEXTS)]
    assert together == [annotation(nlp(text)) for text in TEXTS]
    assert together == [annotation(doc) for doc in nlp.pipe(TEXTS, batch_size=2)]
    assert together[0] == ([], [], [])
    assert list(nlp.pipe([])) == []
    if annotate == "tag":
        doc = nlp(TEXTS[2])
        assert {token.tag_ for token in doc if token.is_space} == {""}
        assert {token.tag_ for token in doc if not token.is_space} <= set(LABELS)


def test_a_checkpoint_is_saved_as_huggingface_opens_it(checkpoint, tmp_path):
    settings = {"annotate": "spans", "spans_key": "names", "aggregation_strategy": "max"}
    nlp, _ = make_pipeline(FACTORY, model={"name": str(checkpoint)}, **settings)
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    copied = spacy.blank("en")
    copied.add_pipe(FACTORY, name="classifier")
    copied.from_bytes(nlp.to_bytes())
    expected = [annotation(doc) for doc in nlp.pipe(SENTENCES)]
    assert any(spans for _, spans, _ in expected)
    for other in (again, copied):
        assert other.get_pipe("classifier").labels == LABELS
        assert [annotation(doc) for doc in other.pipe(SENTENCES)] == expected
    opened = getattr(transformers, CLASS).from_pretrained(
        tmp_path / "pipeline" / "classifier" / "model"
    )
    assert tuple(opened.config.id2label.values()) == LABELS
    # Scores are kept with the documents.
    doc = nlp(SENTENCES[0])
    (stored,) = DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab)
    np.testing.assert_array_equal(
        stored.spans["names"].attrs["scores"], doc.spans["names"].attrs["scores"]
    )


@pytest.mark.parametrize(
    "labels",
    [
        ("O", "GPE", "PERSON"),
        ("O", *(f"{p}-{t}" for t in ("PERSON", "GPE") for p in "BIES")),
        (*(f"{p}_{t}" for t in ("PERSON", "GPE") for p in "BILU"), "O"),
    ],
)
def test_a_head_is_trained_in_its_own_scheme(labels, tmp_path, tiny_config, tiny_tokenizer):
    values = {**tiny_config, "initializer_range": 0.05}
    folder = save_checkpoint(tmp_path / "c", CLASS, values, tiny_tokenizer, labels=labels)
    spacy.util.fix_random_seed(0)
    examples = make_examples(read_docs(spacy.blank("en").vocab, 20))
    nlp, pipe = make_pipeline(FACTORY, examples=examples, model={"name": str(folder)})
    assert pipe.labels == labels
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.005
    for _ in range(40):
        nlp.update(examples, sgd=optimizer, losses={})
    assert nlp.evaluate(examples)["ents_f"] > 0.9
    docs = [nlp.make_doc(example.text) for example in examples]
    winners = pipe.predict(docs).probabilities.argmax(1)
    used = {labels[winner][0] for winner in winners}
    # All entities are of one token.
    single = [label[0] for label in labels if label[:2] in ("S-", "U_", "GP", "PE")]
    assert used == {"O", *single}


def test_labels_that_do_not_fit(checkpoint, tmp_path, tiny_config, tiny_tokenizer):
    doc = spacy.blank("en").make_doc("Mira met Sanjay.")
    doc.ents = [Span(doc, 0, 1, "PERSON"), Span(doc, 2, 3, "DOG")]
    model = {"name": str(checkpoint)}
    with pytest.raises(ValueError, match="E603.*labels DOG; it has: O, B-PERSON"):
        make_pipeline(FACTORY, examples=make_examples([doc]), model=model)
    _, pipe = make_pipeline(
        FACTORY, examples=make_examples([doc]), model=model, initialize={"new_head": True}
    )
    assert pipe.labels == ("O", "B-PERSON", "I-PERSON", "B-DOG", "I-DOG")
    nlp, _ = make_pipeline(FACTORY, model=model)
    with pytest.raises(ValueError, match=r"E632.*'DOG'.*initialize\.components\.classifier\]"):
        nlp.update(make_examples([doc]))

    names = ("LABEL_0", "LABEL_1")
    folder = save_checkpoint(tmp_path / "c", CLASS, tiny_config, tiny_tokenizer, labels=names)
    with pytest.raises(ValueError, match=r"E630.*LABEL_0, LABEL_1.*components\.classifier\]"):
        make_pipeline(FACTORY, model={"name": str(folder)})
    nlp, _ = make_pipeline(FACTORY, model={"name": str(folder)}, annotate="tag")
    assert {token.tag_ for token in nlp("Mira met Sanjay.")} <= set(names)


@pytest.mark.parametrize("setting", ["annotate", "aggregation_strategy", "alignment_mode"])
def test_unknown_choices_are_refused(setting):
    with pytest.raises(ValueError, match=f"E413.*{setting}.*one of"):
        make_pipeline(FACTORY, **{setting: "unknown"})


def test_overlapping_spans_are_refused(tiny_checkpoint):
    doc = spacy.blank("en").make_doc("Mira met Sanjay.")
    doc.spans["sc"] = [Span(doc, 0, 2, "A"), Span(doc, 1, 3, "B")]
    with pytest.raises(ValueError, match="E631.*'Mira met'.*'met Sanjay'.*spancat"):
        make_pipeline(
            FACTORY,
            examples=make_examples([doc]),
            model={"name": str(tiny_checkpoint)},
            annotate="spans",
        )


def test_missing_annotation_has_no_loss(checkpoint):
    nlp, pipe = make_pipeline(FACTORY, model={"name": str(checkpoint)})
    doc = nlp.make_doc("Mira met Sanjay in Lyon")
    assert pipe.training_batch([Example(doc, doc.copy())]) is None
    gold = doc.copy()
    gold.set_ents([Span(gold, 0, 1, "PERSON")], missing=[gold[2:4]], default="outside")
    seen = []
    batch = pipe.training_batch([Example(doc, gold)])
    original = torch.nn.functional.cross_entropy
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            torch.nn.functional,
            "cross_entropy",
            lambda scores, gold: seen.extend(gold.tolist()) or original(scores, gold),
        )
        batch.loss(torch.zeros(int(batch.sequences.lengths.sum()), len(LABELS)))
    assert [LABELS[label] for label in seen] == ["B-PERSON", "O", "O"]


def test_entities_go_over_tokens_without_pieces(checkpoint):
    nlp, pipe = make_pipeline(FACTORY, model={"name": str(checkpoint)})
    doc = nlp.make_doc("New   York")
    assert [token.is_space for token in doc] == [False, True, False]
    scores = pipe.predict([doc])
    scores.probabilities[:] = np.eye(len(LABELS), dtype="f")[[3, 4]]
    pipe.set_annotations([doc], scores)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("New   York", "GPE")]


def label_piece(pipe, monkeypatch, piece, label):
    """Make the head label one piece at any position, and all others as outside."""
    tokenizer = get_tokenizer(pipe.model)
    piece_id = tokenizer.convert_tokens_to_ids(piece)

    def forward(model, sequences, is_train):
        chosen = np.where(sequences.input_ids == piece_id, LABELS.index(label), 0)
        return np.eye(len(LABELS), dtype="f")[chosen] * 9, lambda _: sequences

    monkeypatch.setattr(pipe.model, "_func", forward)


@pytest.mark.parametrize("strategy", ["first", "average", "max", "simple"])
@pytest.mark.parametrize("annotate", ["ents", "spans"])
def test_an_entity_within_a_token_is_found_or_reported(
    strategy, annotate, checkpoint, tmp_path, monkeypatch
):
    text = "Write to mail:Miracle@example.org or so."
    settings = {"annotate": annotate, "spans_key": "names", "aggregation_strategy": strategy}
    nlp, pipe = make_pipeline(FACTORY, model={"name": str(checkpoint)}, **settings)
    (token,) = (token for token in nlp.make_doc(text) if "@" in token.text)
    ids = get_tokenizer(pipe.model).encode_batch([token.text]).ids.tolist()
    piece = get_tokenizer(pipe.model).convert_ids_to_tokens(max(ids))
    assert ids.index(max(ids)) > 1
    label_piece(pipe, monkeypatch, piece, "B-PERSON")
    if strategy == "simple":
        doc = nlp(text)
        found = doc.ents if annotate == "ents" else doc.spans["names"]
        assert token.text in [span.text for span in found]
        return
    with pytest.warns(UserWarning, match=rf"W603.*{strategy}.*simple"):
        nlp(text)
    # After training on first pieces, the labels of the others are arbitrary and not in the loss.
    pipe.update(make_examples(read_docs(nlp.vocab, 4)))
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    other = loaded.get_pipe("classifier")
    assert other.cfg["aggregation_strategy"] == strategy
    label_piece(other, monkeypatch, piece, "B-PERSON")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded(text)
    assert any("W603" in str(w.message) for w in caught) == (strategy != "first")


def test_spacy_scores_a_trained_pipeline(tmp_path, tiny_vocabulary):
    docs = read_docs(spacy.blank("en").vocab)
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    overrides = {
        "paths.train": str(tmp_path / "train.spacy"),
        "paths.dev": str(tmp_path / "train.spacy"),
        "paths.encoder": None,
        "components.token_classifier.model.from_scratch": {
            "vocabulary": str(tiny_vocabulary),
            **SIZE,
        },
        "training.max_steps": 2,
        "training.eval_frequency": 1,
    }
    config = spacy.util.load_config(ROOT / "configs" / "token_classifier.cfg", overrides)
    out = tmp_path / "out"
    out.mkdir()
    train(init_nlp(config), out, stdout=io.StringIO(), stderr=io.StringIO())
    result = CliRunner().invoke(
        app,
        ["benchmark", "accuracy", str(out / "model-last"), str(tmp_path / "train.spacy")],
    )
    assert result.exit_code == 0, result.output
    assert "NER F" in result.output

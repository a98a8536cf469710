import numpy as np
import pytest
import spacy
import torch
from spacy.training import Example

from tests.conftest import SENTENCES
from tests.pipeline.checkpoints import huggingface_pipeline, make_pipeline, save_checkpoint
from tests.pipeline.sentences import TOPICS, make_docs

FACTORY = "deberta_zero_shot"
CLASS = "DebertaV2ForSequenceClassification"
NLI = ("contradiction", "neutral", "entailment")
LABELS = ("about food", "about a city", "a complaint", "science")
ATOL = 1e-4


@pytest.fixture(scope="module")
def make_checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    def make(labels=NLI):
        folder = tmp_path_factory.mktemp("heads") / "nli"
        return save_checkpoint(folder, CLASS, tiny_config, tiny_tokenizer, labels=labels)

    return make


@pytest.fixture(scope="module")
def checkpoint(make_checkpoint):
    return make_checkpoint()


@pytest.fixture(scope="module")
def nlp(checkpoint):
    return make(checkpoint)[0]


def make(folder, *, labels=LABELS, **settings):
    return make_pipeline(
        FACTORY, model={"name": str(folder)}, labels=list(labels), name="zero_shot", **settings
    )


def expected(folder, texts, labels=LABELS, **settings):
    """The scores of Hugging Face's pipeline, one dict for each text."""
    pipe = huggingface_pipeline("zero-shot-classification", CLASS, folder)
    results = [pipe(text, candidate_labels=list(labels), **settings) for text in texts]
    return [dict(zip(r["labels"], r["scores"], strict=True)) for r in results]


def assert_close(found, scores):
    for row, other in zip(found, scores, strict=True):
        assert row == pytest.approx(other, abs=ATOL)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    "names",
    [NLI, ("ENTAILMENT", "neutral", "Contradiction"), ("entailment", "not_entailment")],
    ids="-".join,
)
def test_scores_are_those_of_huggingface(names, multi_label, make_checkpoint):
    folder = make_checkpoint(names)
    nlp, pipe = make(folder, multi_label=multi_label)
    scores = expected(folder, SENTENCES, multi_label=multi_label)
    docs = list(nlp.pipe(SENTENCES, batch_size=4))
    assert_close([doc.cats for doc in docs], scores)
    assert np.ptp([list(row.values()) for row in scores], axis=0).max() > 0.01
    if not multi_label:
        assert sum(docs[0].cats.values()) == pytest.approx(1.0)
    assert pipe.labels == LABELS


@pytest.mark.parametrize("template", ["{}", "It is about {}, is it not?", "{}: true."])
def test_templates(template, checkpoint):
    nlp, _ = make(checkpoint, hypothesis_template=template)
    scores = expected(checkpoint, SENTENCES[:3], hypothesis_template=template)
    assert_close([doc.cats for doc in nlp.pipe(SENTENCES[:3])], scores)


def test_one_label_is_true_or_false(checkpoint):
    nlp, _ = make(checkpoint, labels=["science"])
    scores = expected(checkpoint, SENTENCES, labels=["science"])
    assert_close([doc.cats for doc in nlp.pipe(SENTENCES)], scores)
    assert all(0.0 < doc.cats["science"] < 1.0 for doc in nlp.pipe(SENTENCES))


def test_labels_can_be_changed_at_any_time(checkpoint, nlp):
    changed, pipe = make(checkpoint)
    changed(SENTENCES[0])
    pipe.labels = ["sports", "politics"]
    assert pipe.labels == ("sports", "politics")
    assert_close([changed(SENTENCES[0]).cats], expected(checkpoint, SENTENCES[:1], pipe.labels))
    assert (pipe.add_label("sports"), pipe.add_label("music")) == (0, 1)
    assert set(changed(SENTENCES[0]).cats) == {"sports", "politics", "music"}


def test_other_labels_for_one_call(checkpoint, nlp):
    pipe = nlp.get_pipe("zero_shot")
    docs = [nlp.make_doc(text) for text in SENTENCES]
    other = {"hypothesis_template": "{} it is.", "multi_label": True}
    found = pipe.classify(docs, labels=["x", "y"], **other)
    assert_close(found, expected(checkpoint, SENTENCES, ["x", "y"], **other))
    assert_close(pipe.classify(docs), expected(checkpoint, SENTENCES))
    assert pipe.labels == LABELS
    assert not any(doc.cats for doc in docs)
    assert pipe.classify([]) == []


def test_a_long_text_has_the_mean_of_its_windows(checkpoint, tiny_tokenizer):
    max_length, overlap = 60, 8
    nlp, pipe = make(checkpoint, max_length=max_length, overlap=overlap)
    text, hypotheses = " ".join(SENTENCES), [f"This example is {label}." for label in LABELS]
    sequences, pair_of_window = pipe._pairs(
        pipe._hypotheses_of("This example is {}.", LABELS), [nlp.make_doc(text)]
    )
    windows = np.split(sequences.input_ids, sequences.cu_rows[1:-1])
    transformers = pytest.importorskip("transformers")
    model = getattr(transformers, CLASS).from_pretrained(checkpoint).eval()
    logits = [[] for _ in LABELS]
    seen = [set() for _ in LABELS]
    for window, pair in zip(windows, pair_of_window, strict=True):
        assert len(window) <= max_length
        said = tiny_tokenizer(hypotheses[pair])["input_ids"][1:]
        assert window[-len(said) :].tolist() == said  # never cut
        seen[pair] |= set(window[: -len(said)].tolist())
        with torch.no_grad():
            logits[pair].append(model(input_ids=torch.tensor([window.tolist()])).logits[0, 2])
    ids = set(tiny_tokenizer(text)["input_ids"])
    assert all(len(outputs) > 2 for outputs in logits)
    assert all(pieces == ids for pieces in seen)
    scores = torch.stack([torch.stack(outputs).mean() for outputs in logits]).softmax(0)
    expected_cats = dict(zip(LABELS, scores.tolist(), strict=True))
    assert nlp(text).cats == pytest.approx(expected_cats, abs=ATOL)


def test_each_text_and_hypothesis_is_cut_once(checkpoint, monkeypatch):
    nlp, _ = make(checkpoint)
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    seen = []
    encode = DebertaV2Tokenizer.encode_batch
    monkeypatch.setattr(
        DebertaV2Tokenizer,
        "encode_batch",
        lambda self, texts: seen.extend(texts) or encode(self, texts),
    )
    for _ in nlp.pipe(SENTENCES * 2, batch_size=5):
        pass
    assert sorted(seen) == sorted(
        [*SENTENCES, *SENTENCES, *(f"This example is {label}." for label in LABELS)]
    )


def test_empty_documents_have_scores(nlp, checkpoint):
    scores = expected(checkpoint, [" ", "\n"])  # its pipeline refuses "", which has the same pieces
    assert_close([nlp(text).cats for text in (" ", "\n")], scores)
    assert nlp("").cats == pytest.approx(scores[0], abs=ATOL)
    assert nlp.get_pipe("zero_shot").predict([]).shape == (0, len(LABELS))


def test_processes_and_saved_labels(checkpoint, tmp_path):
    nlp, pipe = make(checkpoint)
    pipe.labels = ("sports", "music")
    scores = [doc.cats for doc in nlp.pipe(SENTENCES)]
    assert_close([doc.cats for doc in nlp.pipe(SENTENCES, n_process=2, batch_size=5)], scores)
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    assert loaded.get_pipe("zero_shot").labels == ("sports", "music")
    assert_close([doc.cats for doc in loaded.pipe(SENTENCES)], scores)
    folder = tmp_path / "pipeline" / "zero_shot" / "model"
    assert_close(scores, expected(folder, SENTENCES, pipe.labels))
    other = make(checkpoint)[0].from_bytes(nlp.to_bytes())
    assert_close([doc.cats for doc in other.pipe(SENTENCES)], scores)


@pytest.mark.parametrize(
    ("names", "reason"),
    [(("SAFE", "INJECTION"), "none starts"), (("entailment", "entails", "x"), "several start")],
)
def test_a_checkpoint_without_entailment(names, reason, make_checkpoint):
    message = f"E620.*{reason}.*{', '.join(names)}.*'entailment_label'"
    with pytest.raises(ValueError, match=message):
        make(make_checkpoint(names))
    nlp, _ = make(make_checkpoint(names), entailment_label=names[0])
    assert sum(nlp(SENTENCES[0]).cats.values()) == pytest.approx(1.0)


def test_a_label_that_is_not_there(checkpoint):
    with pytest.raises(ValueError, match="E620.*no 'yes'"):
        make(checkpoint, entailment_label="yes")


def test_contradiction_is_asked_for_where_it_is_needed(make_checkpoint):
    folder = make_checkpoint(("a", "entailment", "b"))
    assert make(folder)[0](SENTENCES[0]).cats
    with pytest.raises(ValueError, match="E620.*contradiction.*'contradiction_label'"):
        make(folder, multi_label=True)
    assert make(folder, multi_label=True, contradiction_label="a")[0](SENTENCES[0]).cats


@pytest.mark.parametrize("template", ["This is it.", "{} or {}", "{label}", ""])
def test_a_template_without_a_place_for_the_label(template, checkpoint):
    with pytest.raises(ValueError, match="E621.*'hypothesis_template'"):
        make(checkpoint, hypothesis_template=template)


def test_no_labels(checkpoint):
    nlp, pipe = make(checkpoint, labels=[])
    with pytest.raises(ValueError, match="E622"):
        nlp(SENTENCES[0])
    with pytest.raises(ValueError, match="E622"):
        pipe.classify([nlp.make_doc("A text.")], labels=[])


def test_a_hypothesis_that_leaves_no_room(checkpoint):
    nlp, _ = make(checkpoint, labels=["short", "in every way " * 20], max_length=70)
    with pytest.raises(ValueError, match="E623.*'in every way.*70"):
        nlp(SENTENCES[0])


def topic_examples(nlp):
    return [Example(nlp.make_doc(d.text), d) for d in make_docs(nlp.vocab, 40)]


def test_training_teaches_entailment(checkpoint):
    nlp, pipe = make(checkpoint, labels=TOPICS)
    examples = topic_examples(nlp)[:2]
    transformers = pytest.importorskip("transformers")
    model = getattr(transformers, CLASS).from_pretrained(checkpoint).eval()
    tokenizer = transformers.DebertaV2Tokenizer.from_pretrained(checkpoint)
    losses = [
        model(
            **tokenizer(example.x.text, f"This example is {label}.", return_tensors="pt"),
            labels=torch.tensor([2 if example.y.cats[label] else 0]),
        ).loss.item()
        for example in examples
        for label in TOPICS
    ]
    assert pipe.update(examples)["zero_shot"] == pytest.approx(np.mean(losses), abs=1e-4)
    assert pipe.update([Example.from_dict(nlp.make_doc("No cats."), {})]) == {"zero_shot": 0.0}


@pytest.mark.slow
def test_training_from_random_weights(tiny_vocabulary):
    spacy.util.fix_random_seed(0)
    examples = topic_examples(spacy.blank("en"))
    size = {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 96,
    }
    nlp, pipe = make_pipeline(
        FACTORY,
        examples=examples,
        model={"from_scratch": {"vocabulary": str(tiny_vocabulary), **size}},
        hypothesis_template="{}",
        max_length=32,
        overlap=8,
    )
    # Labels of the data, and a head with those of NLI.
    assert set(pipe.labels) == set(TOPICS)
    assert set(pipe.model.layers[1].shims[0].config.id2label.values()) == set(NLI)
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.003
    losses = [nlp.update(examples[:20], sgd=optimizer, losses={})["classifier"] for _ in range(40)]
    assert losses[-1] < 0.6 * losses[0]


def test_a_checkpoint_without_head_and_data(tiny_checkpoint):
    with pytest.raises(ValueError, match="E602"):
        make(tiny_checkpoint)


@pytest.mark.parametrize("multi_label", [False, True])
def test_spacys_scores(multi_label, checkpoint):
    nlp, _ = make(checkpoint, labels=TOPICS, multi_label=multi_label, threshold=0.4)
    examples = topic_examples(nlp)
    scores = nlp.evaluate(examples)
    predicted = np.array([[nlp(e.x.text).cats[t] for t in TOPICS] for e in examples])
    gold = np.array([[e.y.cats[t] for t in TOPICS] for e in examples])
    chosen = predicted >= (0.4 if multi_label else predicted.max(1, keepdims=True))
    right = (chosen & (gold > 0)).sum()
    assert scores["cats_micro_r"] == pytest.approx(right / gold.sum())
    assert scores["cats_micro_p"] == pytest.approx(right / max(chosen.sum(), 1))

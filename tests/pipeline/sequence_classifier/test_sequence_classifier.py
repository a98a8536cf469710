import numpy as np
import pytest
import spacy
import srsly
import torch
from spacy.cli.find_threshold import find_threshold
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_deberta.pipeline.sequence_classifier import SequenceClassifier
from tests.conftest import SENTENCES
from tests.pipeline.checkpoints import huggingface_pipeline, make_pipeline, save_checkpoint

FACTORY = "deberta_sequence_classifier"
CLASS = "DebertaV2ForSequenceClassification"
LABELS = ("GOOD", "BAD", "NEITHER")
# The postprocessing of Hugging Face's pipeline for each.
FUNCTIONS = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "none",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tiny_config, tiny_tokenizer):
    folder = tmp_path_factory.mktemp("heads") / "sequences"
    return save_checkpoint(folder, CLASS, tiny_config, tiny_tokenizer, labels=LABELS)


@pytest.fixture(scope="module")
def nlp(checkpoint):
    return make_pipeline(FACTORY, model={"name": str(checkpoint)})[0]


def change_config(folder, **values):
    config = srsly.read_json(folder / "config.json")
    srsly.write_json(folder / "config.json", {**config, **values})


def make_checkpoint(folder, tiny_config, tiny_tokenizer, **config):
    save_checkpoint(folder, CLASS, tiny_config, tiny_tokenizer, labels=LABELS)
    change_config(folder, **config)
    return folder


def expected(folder, texts, **settings):
    """The scores of Hugging Face's pipeline, one dict for each text."""
    pipe = huggingface_pipeline("text-classification", CLASS, folder, top_k=None, **settings)
    return [{entry["label"]: entry["score"] for entry in result} for result in pipe(list(texts))]


def assert_close(docs, scores, atol=1e-5):
    for doc, row in zip(docs, scores, strict=True):
        assert doc.cats == pytest.approx(row, abs=atol)


@pytest.mark.parametrize("problem_type", FUNCTIONS)
@pytest.mark.parametrize("place", ["checkpoint", "settings"])
def test_scores_are_those_of_huggingface(
    problem_type, place, tmp_path, tiny_config, tiny_tokenizer
):
    values = {"problem_type": problem_type} if place == "checkpoint" else {}
    folder = make_checkpoint(tmp_path / "checkpoint", tiny_config, tiny_tokenizer, **values)
    settings = {"problem_type": problem_type} if place == "settings" else {}
    nlp, pipe = make_pipeline(FACTORY, model={"name": str(folder)}, **settings)
    assert pipe.labels == LABELS
    assert pipe.problem_type == problem_type
    scores = expected(folder, SENTENCES, function_to_apply=FUNCTIONS[problem_type])
    assert_close(nlp.pipe(SENTENCES), scores)
    assert np.ptp([list(row.values()) for row in scores], axis=0).max() > 0.01  # not all alike


@pytest.mark.parametrize(
    ("labels", "problem_type"),
    [(("SCORE",), "regression"), (LABELS, "single_label_classification")],
)
def test_the_number_of_labels_decides_the_default_problem_type(
    labels, problem_type, tmp_path, tiny_config, tiny_tokenizer
):
    save_checkpoint(tmp_path / "c", CLASS, tiny_config, tiny_tokenizer, labels=labels)
    _, pipe = make_pipeline(FACTORY, model={"name": str(tmp_path / "c")})
    assert pipe.problem_type == problem_type


def test_a_long_text_has_the_mean_of_its_windows(nlp, checkpoint, tiny_tokenizer):
    text = " ".join(SENTENCES)
    ids = tiny_tokenizer(text)["input_ids"]
    room, overlap = 48, 10
    long, pipe = make_pipeline(
        FACTORY, model={"name": str(checkpoint)}, max_length=room + 2, overlap=overlap
    )
    # The windows of the text in the model's input.
    sequences, doc_of_window = pipe._sequences([long.make_doc(text), long.make_doc("Short.")])
    assert doc_of_window.tolist() == [0] * (len(sequences.lengths) - 1) + [1]
    assert sequences.lengths.max() <= room + 2
    windows = np.split(sequences.input_ids, sequences.cu_rows[1:-1])[:-1]
    covered = 0
    for window in windows:
        pieces = window[1:-1].tolist()
        (start,) = [s for s in range(len(ids)) if ids[s + 1 : s + 1 + len(pieces)] == pieces][:1]
        assert start <= covered - overlap or not covered
        covered = start + len(pieces)
    assert covered == len(ids) - 2
    transformers = pytest.importorskip("transformers")
    model = getattr(transformers, CLASS).from_pretrained(checkpoint).eval()
    with torch.no_grad():
        logits = [model(input_ids=torch.tensor([w.tolist()])).logits[0] for w in windows]
    scores = torch.stack(logits).mean(0).softmax(-1).tolist()
    assert long(text).cats == pytest.approx(dict(zip(LABELS, scores, strict=True)), abs=1e-5)
    assert long(text).cats != pytest.approx(nlp(text).cats, abs=1e-3)


def test_empty_documents_have_scores(nlp, checkpoint):
    docs = [nlp(text) for text in ("", " \n ", "\u200b")]
    assert_close(docs, expected(checkpoint, [doc.text for doc in docs]))
    assert nlp.get_pipe("classifier").predict([]).shape == (0, len(LABELS))
    assert list(nlp.pipe([])) == []


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_streams_have_the_scores_of_single_documents(batch_size, nlp):
    texts = [*SENTENCES, "", " ".join(SENTENCES)]
    single = [nlp(text) for text in texts]
    assert_close(nlp.pipe(texts, batch_size=batch_size), [doc.cats for doc in single])
    many = list(nlp.pipe(((t, i) for i, t in enumerate(texts)), batch_size=4, as_tuples=True))
    assert [context for _, context in many] == list(range(len(texts)))


def test_sub_batches_give_the_same_scores(nlp, checkpoint):
    model = {"name": str(checkpoint), "max_batch_pieces": 20}
    small, _ = make_pipeline(FACTORY, model=model)
    assert_close(small.pipe(SENTENCES), [doc.cats for doc in nlp.pipe(SENTENCES)])


def test_a_batch_that_fails_goes_to_the_error_handler(nlp, monkeypatch):
    pipe = nlp.get_pipe("classifier")
    predict = SequenceClassifier.predict

    def fail_on_soup(docs):
        if any("soup" in doc.text for doc in docs):
            raise RuntimeError("no soup")
        return predict(pipe, docs)

    failed = []
    monkeypatch.setattr(pipe, "predict", fail_on_soup, raising=False)
    previous = pipe.get_error_handler()
    pipe.set_error_handler(lambda name, component, docs, error: failed.append((name, len(docs))))
    try:
        docs = list(nlp.pipe(SENTENCES, batch_size=2))
    finally:
        pipe.set_error_handler(previous)
    assert failed == [("classifier", 2)]
    assert len(docs) == len(SENTENCES) - 2
    with pytest.raises(RuntimeError, match="no soup"):
        list(nlp.pipe(SENTENCES, batch_size=2))


def test_processes(nlp):
    scores = [doc.cats for doc in nlp.pipe(SENTENCES)]
    assert_close(nlp.pipe(SENTENCES, n_process=2, batch_size=3), scores)


def test_labels_of_other_components_stay(nlp):
    doc = nlp.make_doc(SENTENCES[0])
    doc.cats["OTHER"] = 0.25
    assert set(nlp(doc).cats) == {*LABELS, "OTHER"}


def test_disk(nlp, tmp_path):
    scores = [doc.cats for doc in nlp.pipe(SENTENCES)]
    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    assert_close(loaded.pipe(SENTENCES), scores, atol=0.0)
    assert loaded.get_pipe("classifier").labels == LABELS
    # The folder is a checkpoint of Hugging Face's class.
    folder = tmp_path / "pipeline" / "classifier" / "model"
    assert_close(loaded.pipe(SENTENCES), expected(folder, SENTENCES))
    # And again to the folder that it is mapped from.
    loaded.to_disk(tmp_path / "pipeline")
    assert_close(spacy.load(tmp_path / "pipeline").pipe(SENTENCES), scores, atol=0.0)


def test_bytes(nlp, checkpoint):
    other = spacy.blank("en")
    other.add_pipe(FACTORY, name="classifier", config={"model": {"name": "nowhere"}})
    other.from_bytes(nlp.to_bytes())
    assert_close(other.pipe(SENTENCES), [doc.cats for doc in nlp.pipe(SENTENCES)], atol=0.0)
    assert other.get_pipe("classifier").label_data == list(LABELS)


def test_settings_are_saved(checkpoint, tmp_path):
    _, pipe = make_pipeline(
        FACTORY,
        model={"name": str(checkpoint)},
        problem_type="multi_label_classification",
        threshold=0.75,
        max_length=20,
        overlap=4,
    )
    pipe.to_disk(tmp_path / "pipe")
    other = make_pipeline(FACTORY, model={"name": str(checkpoint)})[1].from_disk(tmp_path / "pipe")
    assert other.cfg == pipe.cfg
    assert other.problem_type == "multi_label_classification"
    # The checkpoint's config has it too, for example for Hugging Face.
    config = srsly.read_json(tmp_path / "pipe" / "model" / "config.json")
    assert config["problem_type"] == "multi_label_classification"


def test_a_model_with_another_head_is_refused(checkpoint):
    with pytest.raises(ValueError, match="E605.*'sequence_classification'.*'token_classification'"):
        make_pipeline(FACTORY, model={"name": str(checkpoint), "head": "token_classification"})


@pytest.mark.parametrize(
    "settings",
    [
        {"max_length": 2},
        {"overlap": 510},
        {"overlap": -1},
        {"problem_type": "several"},
    ],
)
def test_settings_that_can_not_be_are_refused(settings, checkpoint):
    with pytest.raises(ValueError, match=f"E4.*{next(iter(settings))}"):
        make_pipeline(FACTORY, model={"name": str(checkpoint)}, **settings)


def gold_corpus(nlp, problem_type):
    values = (0.1, 0.9, 2.5, -1.0)
    examples = []
    for index, text in enumerate(SENTENCES):
        if problem_type == "regression":
            cats = {label: values[(index + n) % 4] for n, label in enumerate(LABELS)}
        else:
            cats = {label: float(index % 3 == n) for n, label in enumerate(LABELS)}
        examples.append(Example.from_dict(nlp.make_doc(text), {"cats": cats}))
    return [*examples, Example.from_dict(nlp.make_doc("No gold."), {})]


def test_one_label_is_scored_as_spacy_scores_it(nlp):
    examples = gold_corpus(nlp, "single_label_classification")
    scores = nlp.evaluate(examples)
    right = [
        max(example.y.cats, key=example.y.cats.get) == max(cats, key=cats.get)
        for example in examples[:-1]
        for cats in [nlp(example.x.text).cats]
    ]
    assert scores["cats_micro_f"] == pytest.approx(np.mean(right))
    assert scores["cats_score"] == scores["cats_macro_f"]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6])
def test_several_labels_count_from_the_threshold_on(threshold, checkpoint):
    nlp, _ = make_pipeline(
        FACTORY,
        model={"name": str(checkpoint)},
        problem_type="multi_label_classification",
        threshold=threshold,
    )
    examples = gold_corpus(nlp, "multi_label_classification")[:-1]
    scores = nlp.evaluate(examples)
    predicted = np.array([list(nlp(example.x.text).cats.values()) for example in examples])
    gold = np.array([list(example.y.cats.values()) for example in examples])
    right = ((predicted >= threshold) & (gold > 0.5)).sum()
    assert scores["cats_micro_p"] == pytest.approx(right / max((predicted >= threshold).sum(), 1))
    assert scores["cats_micro_r"] == pytest.approx(right / gold.sum())


def test_a_regression_is_scored_by_correlation_and_error(checkpoint):
    nlp, _ = make_pipeline(FACTORY, model={"name": str(checkpoint)}, problem_type="regression")
    examples = gold_corpus(nlp, "regression")
    examples[0].y.cats = {"GOOD": 0.3}  # the others are unknown
    scores = nlp.evaluate(examples)
    pairs = {
        label: np.array([(e.y.cats[label], nlp(e.x.text).cats[label]) for e in examples[first:-1]])
        for label, first in (("GOOD", 0), ("BAD", 1), ("NEITHER", 1))
    }
    squares = np.concatenate([(table[:, 0] - table[:, 1]) ** 2 for table in pairs.values()])
    correlations = [np.corrcoef(table.T)[0, 1] for table in pairs.values()]
    assert scores["cats_mse"] == pytest.approx(squares.mean(), rel=1e-4)
    assert scores["cats_score"] == pytest.approx(np.mean(correlations), abs=1e-4)
    assert nlp.evaluate(examples[-1:])["cats_score"] is None


def test_spacy_finds_a_threshold(checkpoint, tmp_path):
    nlp, _ = make_pipeline(
        FACTORY,
        model={"name": str(checkpoint)},
        problem_type="multi_label_classification",
    )
    nlp.to_disk(tmp_path / "pipeline")
    examples = gold_corpus(nlp, "multi_label_classification")
    DocBin(docs=[example.reference for example in examples]).to_disk(tmp_path / "dev.spacy")
    best, score, scores = find_threshold(
        tmp_path / "pipeline",
        tmp_path / "dev.spacy",
        pipe_name="classifier",
        threshold_key="threshold",
        scores_key="cats_micro_f",
        n_trials=5,
        silent=True,
    )
    assert len(set(scores.values())) > 1
    assert score == max(scores.values()) == scores[best]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id2label": ["GOOD", "BAD", "NEITHER"]}, "E102.*id2label.*numbers to names"),
        ({"id2label": {"0": "GOOD", "1": "BAD", "2": "GOOD"}}, "E127.*'GOOD'"),
        ({"problem_type": "multi_label"}, "E104.*problem_type.*multi_label_classification"),
        ({"problem_type": 3}, "E102.*problem_type"),
    ],
)
def test_labels_that_would_lose_or_mistake_scores(
    changed, message, tmp_path, tiny_config, tiny_tokenizer
):
    folder = make_checkpoint(tmp_path / "changed", tiny_config, tiny_tokenizer, **changed)
    with pytest.raises(ValueError, match=message):
        make_pipeline(FACTORY, model={"name": str(folder)})


def test_an_encoder_may_have_labels_with_one_name(tmp_path, tiny_config, tiny_tokenizer):
    """The encoder does not use them."""
    names = {"0": "GOOD", "1": "BAD", "2": "GOOD"}
    folder = make_checkpoint(tmp_path / "changed", tiny_config, tiny_tokenizer, id2label=names)
    nlp, _ = make_pipeline("deberta", model={"name": str(folder)})
    assert nlp("Mira")._.trf_data.tensors[0].shape[-1] == 32

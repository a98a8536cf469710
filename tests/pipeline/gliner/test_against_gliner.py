"""Entities, loss and gradients, compared with the package gliner: stored answers, and live ones."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_deberta.checkpoints.layouts.gliner import to_theirs
from spacy_deberta.folder_finder import find_folder
from spacy_deberta.layers import get_marker_ids, get_tokenizer
from spacy_deberta.pipeline.gliner import training
from spacy_deberta.pipeline.gliner.words import encode_words

from .gliners import assert_equal, find, make_pipeline, read_expected

SAVED = Path(__file__).with_name("saved_by_gliner")
SCRIPT = Path(__file__).with_name("gliner_side.py")
MINI = "deberta-v3-mini-en"


def run_gliner(*arguments):
    python = os.environ.get("SPACY_DEBERTA_GLINER_PYTHON")
    if python is None:
        pytest.skip("needs gliner: `make test-gliner`, or set SPACY_DEBERTA_GLINER_PYTHON")
    command = [python, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    """What gliner builds and answers now."""
    folder = tmp_path_factory.mktemp("gliner")
    run_gliner("build", folder, find_folder(MINI) / "spm.model")
    return folder


@pytest.fixture(scope="module", params=["saved-span", "saved-token", "live-marker", "live-span"])
def made_by_gliner(request, tmp_path_factory):
    kind, name = request.param.split("-")
    if kind == "live":
        return request.getfixturevalue("live") / name
    # Its vocabulary is that of the package.
    folder = tmp_path_factory.mktemp("saved") / name
    shutil.copytree(SAVED / name, folder)
    shutil.copyfile(find_folder(MINI) / "spm.model", folder / "spm.model")
    return folder


def assert_same_entities(nlp, cases):
    assert sum(len(case["entities"]) for case in cases) > 20
    for case in cases:
        wide = {"nested": not case["flat"], "multi_label": not case["flat"]}
        (found,) = find(nlp, [case["text"]], case["labels"], case["threshold"], **wide)
        assert_equal(found, case["entities"])


def test_entities(made_by_gliner):
    assert_same_entities(make_pipeline(made_by_gliner), read_expected(made_by_gliner)["cases"])


def gold_examples(nlp, examples):
    for example in examples:
        doc = Doc(nlp.vocab, words=example["tokenized_text"])
        spans = [Span(doc, first, last + 1, label=x) for first, last, x in example["ner"]]
        doc.spans["sc"] = spans
        yield Example(Doc(nlp.vocab, words=example["tokenized_text"]), doc)


def test_loss_and_gradients(made_by_gliner, monkeypatch):
    expected = read_expected(made_by_gliner)
    nlp = make_pipeline(made_by_gliner, annotate="spans")
    pipe = nlp.get_pipe("deberta_gliner")
    examples = list(gold_examples(nlp, expected["examples"]))
    # The labels of each text are given, and in this order.
    chosen = [example["ner_labels"] for example in expected["examples"]]
    for example, labels in zip(examples, chosen, strict=True):
        example.y._.lacking_labels = labels
    module = pipe.model.layers[1].shims[0].module
    for case in expected["training"]:
        order = iter(chosen)
        monkeypatch.setattr(training, "sample_labels", lambda *_: next(order))  # noqa: B023
        settings = dict(case["settings"])
        alpha = settings["alpha"]
        pipe.cfg["training"] = {**settings, "alpha": None if alpha < 0 else alpha}
        losses = pipe.update(examples, drop=0.0)
        assert losses["deberta_gliner"] == pytest.approx(case["loss"], rel=1e-5)
        largest = max(case["gradients"].values())
        found = {to_theirs(name): weights.grad for name, weights in module.named_parameters()}
        for name, norm in case["gradients"].items():
            gradient = found[name]
            assert float(gradient.to_dense().norm()) == pytest.approx(
                norm, rel=1e-4, abs=1e-6 * largest
            )
        module.zero_grad()


def test_words_are_encoded_as_in_training(made_by_gliner):
    """With transformers 4, whose ids are stored, and with which checkpoints were trained."""
    nlp = make_pipeline(made_by_gliner)
    model = nlp.get_pipe("deberta_gliner").model
    for word, ids in json.loads((SAVED / "edges.json").read_text()).items():
        found, _ = encode_words([word], get_tokenizer(model), empty=get_marker_ids(model).empty)
        assert found.tolist() == ids, word


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [{"max_width": 5}, {"span_mode": "token_level"}])
def test_gliner_opens_what_was_trained_here(sizes, live, tmp_path):
    """From a bare encoder; gliner gives the same entities and scores."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    config = {"model": {"name": MINI, "precision": "fp32"}, "annotate": "spans"}
    pipe = nlp.add_pipe("deberta_gliner", config=config)
    examples = list(gold_examples(nlp, read_expected(live / "span")["examples"]))
    pipe.initialize(lambda: examples, sizes={"hidden_size": 64, **sizes})
    optimizer = nlp.create_optimizer()
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    cases = json.loads(run_gliner("answer", tmp_path / "saved" / "deberta_gliner" / "model"))
    assert_same_entities(loaded, cases)


def test_words_of_the_original_vocabulary(shared_data, v3_tokenizer):
    """As `test_words_are_encoded_as_in_training`, with the vocabulary of deberta-v3."""
    edges = json.loads((shared_data / "gliner" / "edges.json").read_text())["v3"]
    tokenizer = v3_tokenizer.with_unknown_characters("unk")
    for word, ids in edges.items():
        found, _ = encode_words([word], tokenizer, empty=tokenizer.convert_tokens_to_ids("▁"))
        assert found.tolist() == ids["transformers4"], word

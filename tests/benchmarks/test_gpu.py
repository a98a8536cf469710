"""Everything that `make gpu` runs on a GPU runs here on the CPU, in its quick form."""

import time
from importlib.metadata import distributions

import pytest
import spacy
from spacy.tokens import DocBin, Span

from benchmarks.gpu import attention, checks, pack, pipelines
from benchmarks.gpu.inputs import TASKS, Inputs
from benchmarks.gpu.offline import write_entry_points
from benchmarks.gpu.run import Run
from benchmarks.measures.results import Measurement, Results, read_results
from tests.conftest import SENTENCES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(settings, tmp_path_factory):
    """The inputs of all tasks: a few sentences, with capitalized words as their entities."""
    inputs = Inputs(tmp_path_factory.mktemp("gpu"))
    inputs.vocabulary.write_bytes(settings.vocabulary.read_bytes())
    inputs.texts.write_text("\n".join(SENTENCES) + "\n", encoding="utf-8")
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in SENTENCES]
    for number, doc in enumerate(docs):
        names = [Span(doc, t.i, t.i + 1, label="NAME") for t in doc if t.is_title]
        doc.ents = names
        doc.spans["sc"] = names
        doc.cats = {"even": float(number % 2 == 0), "odd": float(number % 2)}
    for task in TASKS:
        for split in ("train", "dev"):
            path = inputs.corpus(task, split)
            path.parent.mkdir(exist_ok=True)
            DocBin(docs=docs, store_user_data=True).to_disk(path)
    inputs.check()
    return inputs


@pytest.fixture
def run(inputs, settings, monkeypatch):
    # Those that need a GPU are skipped, which takes a process.
    monkeypatch.setattr(checks, "TESTS", ("tests/nn/test_gpu.py",))
    return Run(
        inputs=inputs, settings=settings, device="cpu", quick=True, deadline=time.time() + 600
    )


def _measure(stage, run, tmp_path):
    results = Results(name="stage", header={}, path=tmp_path / "stage.json")
    stage(run, results)
    # Each result is in the file when the next one is measured.
    assert read_results(results.path).measurements == results.measurements
    count = len(results.measurements)
    stage(run, results)
    assert len(results.measurements) == count
    return results


def test_the_checks_train_load_and_compare(run, tmp_path):
    results = _measure(checks.run, run, tmp_path)
    for task in TASKS:
        (trained,) = results.select("score", what="train", task=task)[:1]
        assert not trained.problem, trained.why
        again = results.find("ours, again", "score", what="train", task=task)
        assert again is not None
        assert again.value == pytest.approx(trained.value, abs=1e-6)
        error = results.find("on the CPU", "error", what="train", task=task)
        assert error is not None
        assert error.value < 1e-6
    assert [m.why for m in results.select(what="waits")] == ["there is no CUDA device"]
    (skipped,) = results.select(what="tests")
    assert skipped.quantity == "skipped"


def test_pipelines_are_compared_and_their_parts_add_up(run, tmp_path):
    results = _measure(pipelines.run, run, tmp_path)
    for what in ("pipe", "update"):
        found = {m.who: m for m in results.select("words/s", what=what)}
        assert found.keys() >= {"ours, auto", "ours, auto, device"}
        assert all(m.value > 0 for m in found.values() if not m.problem)
    parts = {
        m.case["part"]: m for m in results.select(what="parts", device="device") if "part" in m.case
    }
    assert parts.keys() >= {"encoder", "tokenizer", "listener", "rest of ner"}
    assert all(m.value > 0 for m in parts.values())


def test_kernels_run_in_the_interpreter_and_are_right(run, tmp_path):
    results = _measure(attention.run, run, tmp_path)
    _measure(attention.run_variants, run, tmp_path)
    for passes in ("both", "forward"):
        found = {m.who: m for m in results.select(what="attention", **{"pass": passes})}
        assert all(found[f"ours, {name}"].values for name in ("strided", "triton"))
        assert not [m.why for m in found.values() if m.problem == "wrong"]


def test_graphs_are_compared_where_there_are_some(run, tmp_path):
    results = _measure(attention.run_graphs, run, tmp_path)
    found = {m.who: m for m in results.select(what="graphs")}
    assert found["ours"].values
    assert found["ours, graphs"].why == "there are no graphs on 'cpu'"
    results = _measure(pipelines.run_graphs, run, tmp_path)
    found = {m.who: m for m in results.select("words/s", what="pipe, graphs")}
    assert found.keys() == pipelines.GRAPH_SIDES.keys()
    assert all(m.value > 0 for m in found.values())


def test_an_error_or_the_end_of_the_time_leaves_what_there_is(run, tmp_path):
    results = Results(name="stage", header={}, path=tmp_path / "stage.json")
    good = Measurement(case={"n": 1}, who="ours", values=(1.0,))
    run.measure(results, {"n": 1}, lambda: [good])
    run.measure(results, {"n": 2}, lambda: 1 / 0)
    late = Run(**{**vars(run), "deadline": time.time() - 1})
    late.measure(results, {"n": 3}, lambda: [good])
    found = read_results(tmp_path / "stage.json").measurements
    assert [m.problem for m in found] == ["", "not measured"]
    assert "ZeroDivisionError" in found[1].why


def test_the_checkout_is_registered_without_being_installed(tmp_path):
    write_entry_points(tmp_path)
    (found,) = distributions(path=[str(tmp_path)])
    factories = {point.name: point for point in found.entry_points.select(group="spacy_factories")}
    assert "deberta" in factories
    assert all(callable(point.load()) for point in factories.values())


def test_what_is_packed_is_complete_without_what_comes_with_pytorch():
    names = pack.needed(pack.ROOTS, present=["torch", "numpy"])
    # What weasel and transformers import, which no root names.
    assert names >= {"weasel", "httpx", "h11", "regex", "pyyaml", "pydantic-core", "spacy-legacy"}
    assert not names & {"torch", "numpy", "jax", "tensorflow"}

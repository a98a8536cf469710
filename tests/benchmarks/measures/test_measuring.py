"""All benchmarks measure the named quantities, with small sizes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from benchmarks.measures import (
    annotation,
    corpora,
    costs,
    encoder,
    growth,
    host,
    kernels_gpu,
    machine,
    pipe,
    training,
    workers,
)
from benchmarks.measures.results import Results
from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import ours, spacy_transformers
from tests.benchmarks.measures import steps
from tests.conftest import SENTENCES

pytestmark = pytest.mark.slow


@pytest.fixture
def results():
    return Results(name="test", header={})


@pytest.fixture
def no_bf16(monkeypatch):
    monkeypatch.setattr(machine, "why_no_bf16", lambda: "the processor is old")
    monkeypatch.setattr(machine, "why_auto_is_fp32", lambda: "the processor is old")


def whos(results, quantity="seconds", **case):
    return {found.who for found in results.select(quantity, **case) if found.values}


@pytest.mark.usefixtures("no_bf16")
def test_the_encoder_is_measured_and_compared(settings, results):
    encoder.run(settings, results)
    case = {"pass": "forward", "dtype": "fp32", "length": 8}
    everybody = {"ours", "ours, reference", "huggingface", "products"}
    assert whos(results, **case) - {"onnxruntime", "openvino"} == everybody
    assert whos(results, **{**case, "pass": "forward and backward"}) == everybody
    errors = {m.who: m.value for m in results.select("error", **case)}
    assert errors["huggingface"] == 0
    assert 0 < errors["ours"] < 1e-5
    # Emulated bf16 has errors, but no times.
    found = results.find("ours", **{**case, "dtype": "bf16"})
    assert (found.problem, found.why) == ("not measurable here", "the processor is old")
    assert 1e-6 < results.find("ours", "error", **{**case, "dtype": "bf16"}).value < 0.1


@pytest.mark.usefixtures("no_bf16")
def test_longer_sequences_are_measured_separately(settings, results):
    encoder.run_long(settings, results)
    for dtype in ("fp32", "int8"):
        case = {"pass": "forward", "dtype": dtype, "length": 64}
        assert whos(results, **case) >= {"ours", "products"}


def test_longer_sequences_are_measured_with_one_engine_in_memory(settings, results, monkeypatch):
    held = []

    def load(encoders, name, dtype):
        held.append(list(encoders._engines))
        raise CannotMeasureError(f"{name} is not installed")

    monkeypatch.setattr(encoder.Encoders, "_load_engine", load)
    case = {"pass": "forward", "dtype": "fp32", "length": 64}
    results.add(encoder.Encoders(settings).measure(case, apart=True))
    assert held == [[], []]
    # Ours takes turns with Hugging Face, the other kernel and each engine.
    assert len(results.find("ours", **case).values) == 4 * settings.sizes.few_repeats
    assert len(results.find("huggingface", **case).values) == settings.sizes.few_repeats
    assert results.find("openvino", **case).why == "openvino is not installed"
    assert len(results.select(**case)) == len({(m.who, m.quantity) for m in results.select()})


def test_an_encoder_with_wrong_values_has_no_figures(settings, results, monkeypatch):
    forward = ours.ours_forward

    def wrong(*args, kernel="auto", **kwargs):
        rows = forward(*args, kernel=kernel, **kwargs)
        return rows + 1 if kernel == "reference" else rows

    monkeypatch.setattr(ours, "ours_forward", wrong)
    case = {"pass": "forward", "dtype": "fp32", "length": 8}
    results.add(encoder.Encoders(settings).measure(case))
    found = results.find("ours, reference", **case)
    assert found.problem == "wrong"
    assert not found.values
    assert "ours" in whos(results, **case)


def test_hugging_face_is_spared_what_does_not_fit_into_memory(settings, monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: 1e-9)
    case = {"pass": "forward and backward", "dtype": "fp32", "length": 8}
    found = {m.who: m for m in encoder.Encoders(settings).measure(case) if m.quantity == "seconds"}
    assert "GiB of memory" in found["huggingface"].why
    assert found["ours"].values


@pytest.mark.usefixtures("no_bf16")
def test_the_pipeline_is_measured(settings, results):
    pytest.importorskip("google.protobuf")
    pipe.run(settings, results)
    assert whos(results, "words/s") >= {"ours", "ours, int8", "spacy-transformers"}
    assert results.find("ours, auto", "words/s").why == "the processor is old"
    for model in ("base", "mini"):
        latencies = {"what": "one text", "model": model}
        assert whos(results, **latencies) == {"ours", "spacy-transformers"}
        assert results.find("ours", **latencies).value < 1
    assert whos(results, "words/s", what="entities") == {"ours", "spaCy's CNN"}
    case = results.measurements[0].case
    assert case["documents"] == 2
    tokens = spacy.blank("en").tokenizer
    assert case["words"] == sum(len(tokens(text)) for text in SENTENCES)


def test_wrong_rows_stop_a_pipeline(settings):
    nlp = ours.make_pipeline(settings.checkpoint)
    rows = pipe.rows_of(nlp, pipe.TEXT)
    pipe.check_rows(nlp, rows, 1e-6)
    with pytest.raises(CannotMeasureError, match="differ"):
        pipe.check_rows(nlp, rows * 1.1, pipe.TOLERANCE)


def test_both_pipelines_have_the_same_rows_for_a_short_text(settings):
    pytest.importorskip("google.protobuf")
    ours_rows = pipe.rows_of(ours.make_pipeline(settings.checkpoint), pipe.TEXT)
    stock_rows = pipe.rows_of(spacy_transformers.make_pipeline(settings.checkpoint), pipe.TEXT)
    np.testing.assert_allclose(ours_rows, stock_rows, atol=1e-4)


def test_the_host_side_runs_without_an_encoder(settings, results):
    pytest.importorskip("google.protobuf")
    host.run(settings, results)
    assert whos(results, "words/s") == {"ours", "spacy-transformers"}


def test_an_encoder_that_runs_after_all_stops_the_host_side(settings):
    nlp = ours.make_pipeline(settings.checkpoint)
    with pytest.raises(CannotMeasureError, match="has run"):
        host.component_run(nlp, [nlp.make_doc("A text")])


@pytest.mark.parametrize("side", ["ours", "stock"])
def test_a_training_step_learns(settings, side):
    if side == "stock":
        pytest.importorskip("google.protobuf")
    step = training.make_step(settings, side, "fp32", "cpu")
    assert 0.05 < step() < 100  # GiB


@pytest.mark.usefixtures("no_bf16")
def test_training_is_measured_in_turns(settings, results, monkeypatch):
    done = []

    class InProcess(workers.Worker):
        def __init__(self, build, settings, side, *args):
            self.run = lambda: done.append(side) or float(len(done))

        def wait_until_built(self):
            pass

        def __exit__(self, *args):
            done.append("end")

    monkeypatch.setattr(training, "Worker", InProcess)
    monkeypatch.setattr(machine, "why_no_gpu", lambda: "there is no CUDA device")
    training.run(settings, results)
    warm_up, turns = ["ours", "stock"] * training.WARM_UP, ["ours", "stock", "stock", "ours"]
    assert done == [*warm_up, *turns, "end", "end"]
    cpu = {"device": "cpu", "words": 8}
    assert whos(results, "words/s", **cpu) == {"ours", "spacy-transformers"}
    assert results.find("ours", "GiB", **cpu).values == (len(warm_up) + 4.0,)  # the highest
    assert results.find("spacy-transformers", "GiB", **cpu).values == (len(warm_up) + 3.0,)
    assert results.find("ours, bf16", "GiB", **cpu).why == "the processor is old"
    assert results.find("ours", "words/s", device="cuda").why == "there is no CUDA device"


def test_costs_are_measured(settings, results, monkeypatch):
    figures = {"save_s": 1.0, "load_s": 2.0, "load_peak_gib": 3.0, "used_peak_gib": 4.0}
    done = []

    def run_step(step, folder, vocabulary):
        done.append(step)
        (folder / step.partition(":")[2]).mkdir(exist_ok=True)
        return {key: v for key, v in figures.items() if key.startswith("save") == ("save" in step)}

    monkeypatch.setattr(costs.saving, "run_step", run_step)
    monkeypatch.setattr(costs.starting, "measure_start", lambda side, folder: 5.0)
    monkeypatch.setattr(costs, "IMPORTS", {"ours": "import json", "spacy-transformers": "pass"})
    monkeypatch.setattr(costs, "TIMED_IMPORT", costs.TIMED_IMPORT.replace(", spacy", ""))
    costs.run(settings, results)
    assert done == ["save:ours", "load:ours", "save:stock", "load:stock"] * 2
    assert whos(results, what="import") == {"ours", "spacy-transformers"}
    assert results.find("ours", what="spacy.load").value == 2
    assert results.find("ours", "GiB", what="spacy.load and one text").value == 4
    assert results.find("ours", what="import and spacy.load").value == 5


def test_growth_is_measured(settings, results, monkeypatch):
    pytest.importorskip("google.protobuf")
    monkeypatch.setattr(growth, "run_fresh", lambda function, *args: function(*args))
    growth.run(settings, results)
    both = {"ours", "spacy-transformers"}
    assert whos(results, "words/s", grows="document", words=20) == both
    assert whos(results, "words/s", grows="document", words=200) == {"ours"}
    assert whos(results, "GiB", grows="document", words=20) == both
    assert whos(results, "words/s", grows="batch", documents=2) == both
    assert whos(results, "words/s", grows="heads", heads=1) == both


def test_without_a_gpu_every_kernel_says_so(settings, results, monkeypatch):
    monkeypatch.setattr(machine, "why_no_gpu", lambda: "there is no CUDA device")
    kernels_gpu.run(settings, results)
    assert {m.why for m in results.measurements} == {"there is no CUDA device"}
    assert {m.who for m in results.select(what="attention", length=512)} == set(
        kernels_gpu.PEERS["attention"]
    )


@pytest.mark.parametrize("length", [5, 300])
def test_the_definition_of_attention_is_that_of_our_kernels(length):
    work = kernels_gpu.make_attention(2, length, device="cpu")
    kernel = kernels_gpu.resolve_attention("reference")
    attend = kernels_gpu.ours_attention(kernel, count=2, length=length, device="cpu")
    expected = kernels_gpu.all_values(
        kernels_gpu.attend_plainly, *work.prepare(torch.float32, packed=False)
    )
    found = kernels_gpu.all_values(attend, *work.prepare(torch.float32, packed=True))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_kernels_are_measured(settings, results):
    work = kernels_gpu.Work(heads=1, pieces=32, repeats=2)
    case = {"what": "attention", "dtype": "bf16", "length": 16}
    results.add(kernels_gpu.measure_attention(settings, case, device="cpu", work=work))
    assert whos(results, **case) >= {"ours", "sdpa"}
    case = {"what": "encoder", "dtype": "bf16", "length": 16}
    results.add(kernels_gpu.measure_encoder(settings, case, device="cpu", work=work))
    assert whos(results, **case) >= {"ours", "huggingface"}


def test_bulk_annotation(settings, results, monkeypatch):
    def measure(pipeline, source, *, workers):
        asked.append(workers)
        return annotation_seconds(pipeline, source, workers=1)

    asked: list[int] = []
    annotation_seconds = annotation.seconds_of_job
    monkeypatch.setattr(annotation, "seconds_of_job", measure)
    monkeypatch.setattr(annotation, "run_fresh", lambda function, *args: function(*args))
    annotation.run(settings, results)
    names = {"nlp.pipe", "ours", "ours, one thread", "ours, two processes"}
    assert whos(results, "words/s", what="speed") == names
    assert set(asked) == {1, 2}
    assert [m.case["texts"] for m in results.select("GiB")] == [20, 200]


def test_a_run_that_goes_on_measures_nothing_twice(settings, results, monkeypatch):
    kernels_gpu.run(settings, results) if not torch.cuda.is_available() else None
    count = len(results.measurements)
    kernels_gpu.run(settings, results) if not torch.cuda.is_available() else None
    assert len(results.measurements) == count


def test_a_worker_keeps_what_it_built_and_has_memory_of_its_own():
    with workers.Worker(steps.counting, 5) as worker:
        worker.wait_until_built()
        assert [worker.run(), worker.run()] == [6, 7]
    assert workers.run_fresh(max, 3, 4) == 4


def test_a_worker_that_cannot_be_built_says_why():
    with (
        workers.Worker(steps.cannot_build) as worker,
        pytest.raises(CannotMeasureError, match="no AMX"),
    ):
        worker.wait_until_built()
    with (
        workers.Worker(steps.dies) as worker,
        pytest.raises(CannotMeasureError, match="exit code 3"),
    ):
        worker.wait_until_built()
    with workers.Worker(steps.fails) as worker, pytest.raises(RuntimeError, match="KeyError"):
        worker.wait_until_built()


def test_corpora_are_read(tmp_path, settings):
    texts = corpora.read_texts(settings.documents, 9)
    assert texts == [" ".join(SENTENCES[:3]), " ".join(SENTENCES[3:])]
    assert corpora.read_texts(settings.documents, 1) == texts[:1]
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(text) for text in SENTENCES]).to_disk(tmp_path / "docs.spacy")
    assert corpora.read_texts(tmp_path / "docs.spacy", 2) == list(SENTENCES[:2])
    (tmp_path / "docs.txt").write_text("one\n\n two \nthree\n", encoding="utf-8")
    assert corpora.read_texts(tmp_path / "docs.txt", 2) == ["one", "two"]


def test_entities_are_read(tmp_path, settings):
    docs = corpora.read_entity_docs(settings.entities, Vocab(), 9)
    expected = [("Mira Okafor", "person"), ("Rotterdam", "place")]
    assert [[(e.text, e.label_) for e in doc.ents] for doc in docs] == [expected] * 2
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    (read,) = corpora.read_entity_docs(tmp_path / "docs.spacy", Vocab(), 1)
    assert [(e.text, e.label_) for e in read.ents] == expected


@pytest.mark.parametrize(("words", "count"), [(1, 1), (4, 1), (7, 1), (8, 2), (99, 2)])
def test_a_batch_has_as_many_words_as_it_should(settings, words, count):
    docs = corpora.read_entity_docs(settings.entities, Vocab(), 9)
    assert len(corpora.batch_of_words(docs, words)) == count


@pytest.mark.parametrize("words", [1, 4, 11])
def test_a_text_is_made_as_long_as_it_should_be(words):
    assert len(corpora.text_of_words(["one two", "three"], words).split()) == words


def test_the_command_measures_writes_and_compares(settings, run_benchmarks, monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.__main__.QUICK", replace(settings.sizes, documents=1))
    options = [
        *("--vocabulary", settings.vocabulary),
        *("--documents", settings.documents),
        *("--entities", settings.entities),
        *("--threads", torch.get_num_threads(), "--work", tmp_path, "--quick"),
    ]
    result = run_benchmarks("run", "pipe", "kernels_gpu", *options, "--check")
    page = (tmp_path / "quick" / "results" / "README.md").read_text(encoding="utf-8")
    command = (
        "python -m benchmarks run pipe kernels_gpu --vocabulary spm.model "
        "--documents documents.conllu --entities entities.conll --quick"
    )
    assert f"`{command}`" in page
    content = json.loads((tmp_path / "quick" / "results" / "pipe.json").read_text())
    assert content["command"] == command
    assert str(tmp_path) not in json.dumps(content) + page
    assert "against spacy-transformers" in result.stdout
    assert "training, fp32" not in result.stdout  # has not run, and was not requested


def test_unknown_benchmarks_are_refused(settings, run_benchmarks):
    options = [
        *("--vocabulary", settings.vocabulary),
        *("--documents", settings.documents),
        *("--entities", settings.entities),
    ]
    result = run_benchmarks("run", "speed", *options)
    assert result.exit_code == 2

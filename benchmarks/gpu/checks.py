"""Stage 1: `spacy train` on real data, loading and saving across devices, waits, and GPU tests."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import srsly
from spacy.cli.train import train
from spacy.tokens import DocBin
from spacy.training import Example

from benchmarks.gpu.inputs import ROOT, TASKS
from benchmarks.gpu.run import Run
from benchmarks.gpu.waits import count_waits
from benchmarks.measures.corpora import read_texts
from benchmarks.measures.results import Measurement, Results
from benchmarks.measures.timing import CannotMeasureError
from benchmarks.peers import ours

SCORES = {"ner": "ents_f", "textcat": "cats_score", "spancat": "spans_sc_f"}
# Whose GPU the encoder uses: that of spaCy (`--gpu-id 0`, CuPy), or its own (`device`).
KINDS = ("gpu-id", "device")
ENCODER = "deberta-v3-mini-en"
TESTS = ("tests/nn/test_gpu.py", "tests/pipeline/test_gpu.py", "tests/layers/classifiers")
BATCH = 32


def run(run: Run, results: Results) -> None:
    """Train, load and save; then count waits; then the tests that need a GPU."""
    kinds = KINDS if run.device == "cuda" else KINDS[1:]
    tasks = [(task, kind) for kind in kinds for task in TASKS]
    left = [pair for pair in tasks if not results.has(_case(*pair))]
    trainings = {pair: start_training(run, *pair) for pair in left}
    for (task, kind), training in trainings.items():
        measure = partial(check_training, run, training, task, kind)
        run.measure(results, _case(task, kind), measure)
    for kind in kinds:
        case = {"what": "waits", "device": kind}
        run.measure(results, case, partial(check_waits, run, case))
    case = {"what": "tests"}
    run.measure(results, case, partial(run_tests, run, case))


def _case(task: str, kind: str) -> dict[str, Any]:
    return {"what": "train", "task": task, "device": kind}


# Waits for a training, at most this many seconds, and raises an error if it failed.
Training = Callable[[float], object]


def start_training(run: Run, task: str, kind: str) -> Training:
    """Start `spacy train` with a config of the package on real data.

    All trainings run at the same time, each in a process; with `quick` one by one, in this process.
    """
    steps = 4 if run.quick else 60
    overrides = {
        "paths.train": run.inputs.corpus(task, "train"),
        "paths.dev": run.inputs.corpus(task, "dev"),
        "paths.encoder": ENCODER,
        "training.max_steps": steps,
        "training.eval_frequency": steps,
        "training.accumulate_gradient": 1,
        "training.optimizer.learn_rate.warmup_steps": steps // 4,
        "training.optimizer.learn_rate.total_steps": 2 * steps,
        "corpora.dev.limit": 8 if run.quick else 200,
    }
    if run.quick:
        overrides |= {"corpora.train.limit": 40, "training.batcher.size": 100}
    if kind == "device":
        overrides["components.transformer.model.device"] = run.device
    folder, config = output_folder(run, task, kind), ROOT / "configs" / f"{task}.cfg"
    if run.quick:
        overrides = {key: str(x) if isinstance(x, Path) else x for key, x in overrides.items()}
        return lambda seconds: train(config, folder, overrides=overrides)
    command = [sys.executable, "-m", "spacy", "train", str(config)]
    command += ["--output", str(folder), "--gpu-id", "0" if kind == "gpu-id" else "-1"]
    command += [word for key, value in overrides.items() for word in (f"--{key}", str(value))]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("wb") as log:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)
    return partial(wait_for, process, folder / "log.txt")


def wait_for(process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Wait for a training.

    Raises:
        CannotMeasureError: It failed.
    """
    code = process.wait(timeout=max(1.0, seconds))
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise CannotMeasureError(f"exit code {code}: {' / '.join(lines[-3:])}"[-300:])


def output_folder(run: Run, task: str, kind: str) -> Path:
    """The folder of a trained pipeline."""
    return run.settings.work / f"{task}-{kind}"


def check_training(run: Run, training: Training, task: str, kind: str) -> list[Measurement]:
    """The score that `spacy train` found, and the error of its rows against those on the CPU.

    Raises:
        CannotMeasureError: The training failed.
    """
    folder = output_folder(run, task, kind)
    training(run.seconds_left)
    meta = srsly.read_json(folder / "model-last" / "meta.json")
    score = float(meta["performance"][SCORES[task]])
    error, again = compare_devices(run, task, kind)
    case = _case(task, kind)
    return [
        Measurement(case=case, who="ours", quantity="score", values=(score,)),
        Measurement(case=case, who="ours, again", quantity="score", values=(again,)),
        Measurement(case=case, who="on the CPU", quantity="error", values=(error,)),
    ]


def compare_devices(run: Run, task: str, kind: str) -> tuple[float, float]:
    """Predict on the GPU, save from there, load on the CPU, and predict again.

    Returns:
        The relative error of the rows, and the score on the GPU.
    """
    folder = output_folder(run, task, kind)
    docs = list(
        DocBin().from_disk(run.inputs.corpus(task, "dev")).get_docs(spacy.blank("en").vocab)
    )
    docs = docs[: 8 if run.quick else 200]
    if kind == "gpu-id":
        spacy.require_gpu(0)
    try:
        nlp = spacy.load(folder / "model-last")
        found = rows_of(nlp, docs)
        score = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in docs])[SCORES[task]]
        nlp.to_disk(folder / "from-gpu")
    finally:
        spacy.require_cpu()
    on_cpu = {"components.transformer.model.device": "cpu"}
    expected = rows_of(spacy.load(folder / "from-gpu", config=on_cpu), docs)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected)), float(score or 0.0)


def rows_of(nlp: Any, docs: list[Any]) -> np.ndarray:
    """The rows of all documents, (rows, width), on the CPU."""
    piped = nlp.pipe([doc.text for doc in docs], batch_size=BATCH)
    arrays = [array for doc in piped for array in doc._.trf_data.tensors[:1]]
    to_numpy = nlp.get_pipe("transformer").model.ops.to_numpy
    return np.concatenate([to_numpy(array).reshape(-1, array.shape[-1]) for array in arrays])


def check_waits(run: Run, case: dict[str, Any]) -> list[Measurement]:
    """How often the encoder's component waits for the device, for each batch."""
    is_own = case["device"] == "device"
    if not is_own:
        spacy.require_gpu(0)
    try:
        nlp = ours.make_pipeline(
            run.settings.checkpoint, precision="auto", device=run.device if is_own else None
        )
        waits = count_waits(nlp, read_texts(run.inputs.texts, 8 if run.quick else 128), BATCH)
    finally:
        spacy.require_cpu()
    return [Measurement(case=case, who="ours", quantity="waits a batch", values=(waits,))]


def run_tests(run: Run, case: dict[str, Any]) -> list[Measurement]:
    """Run the tests that are marked `gpu`; how many passed, failed and were skipped."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-m", "gpu", *TESTS]
    command += ["-k", "rows_are_those_of_the_cpu"] if run.quick else []
    limit = max(1.0, run.seconds_left)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit)
    counts = {
        word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout)
    }
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, flags=re.MULTILINE)
    why = ", ".join(failed)[:500] or ("" if counts else done.stdout[-300:] + done.stderr[-300:])
    return [
        Measurement(case=case, who="ours", quantity=word, values=(float(count),), why=why)
        for word, count in counts.items()
    ] or [Measurement(case=case, who="ours", problem="not measured", why=why)]

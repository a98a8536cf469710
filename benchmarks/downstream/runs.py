"""Train a spaCy config with spaCy's own commands, and save its scores."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import srsly
from thinc.api import Config

from benchmarks.measures.machine import describe_machine, describe_versions

from . import data
from .contenders import CONTENDERS, Contender
from .tasks import TASKS, Task

SPLITS = ("train", "dev", "test")
# Learning rates are compared with this seed.
RATE_SEED = 0
LAST_LINES = 20


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One training.

    Args:
        task: Name of the task.
        contender: Name of the contender.
        rate: Peak learning rate; None for that of the contender's config.
        seed: Of weights, dropout and order.
    """

    task: str
    contender: str
    rate: float | None
    seed: int

    @property
    def name(self) -> str:
        """A name for files."""
        rate = "own" if self.rate is None else f"{self.rate:g}"
        return f"{self.task}-{self.contender}-{rate}-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Inputs and outputs of the runs.

    Args:
        data: A folder with a folder for each corpus.
        model: Checkpoint of the pretrained model; from random weights only its `config.json` and
            its vocabulary are read.
        work: Folder of corpora, runs and results.
        threads: Number of threads of every process.
    """

    data: Path
    model: Path
    work: Path
    threads: int

    def corpus(self, task: str) -> Path:
        """The folder of a task's `.spacy` files."""
        return self.work / "corpus" / task

    def result(self, run: TrainingRun) -> Path:
        """The file of a run's scores."""
        return self.work / "results" / f"{run.name}.json"


Announce = Callable[[TrainingRun], None]


def measure_all(
    place: Place,
    *,
    tasks: Sequence[str],
    contenders: Sequence[str],
    seeds: Sequence[int],
    rates: Sequence[float] = (),
    announce: Announce,
) -> Iterator[Mapping[str, Any]]:
    """Train all contenders on every task with every seed, except for runs with saved results.

    Args:
        place: Inputs and outputs.
        tasks: Their names.
        contenders: Their names.
        seeds: Of the runs.
        rates: Learning rates to try instead of those of the contenders.
        announce: Called with each run before its training.

    Yields:
        The result of `measure` for each run.

    Raises:
        ValueError: A contender uses the learning rate of another one that has not been run yet.
    """
    for name in tasks:
        data.prepare(name, place.data, place.corpus(name))
        for contender in (CONTENDERS[contender] for contender in contenders):
            if contender.tasks and name not in contender.tasks:
                continue
            tried = []
            for rate in _rates_to_try(contender, rates):
                run = TrainingRun(task=name, contender=contender.name, rate=rate, seed=RATE_SEED)
                tried.append(measure(run, place, announce))
                yield tried[-1]
            best = best_rate(tried) if tried else _borrowed_rate(contender, name, place, rates)
            for seed in seeds:
                run = TrainingRun(task=name, contender=contender.name, rate=best, seed=seed)
                yield measure(run, place, announce)


def measure(run: TrainingRun, place: Place, announce: Announce) -> dict[str, Any]:
    """Train and score, unless there is a result for the same config and the same files.

    Returns:
        The saved result: `run`, `dev` and `test` with scores by their names, `seconds` of the
        training, `machine`, `versions`, and `fingerprint`.

    Raises:
        RuntimeError: spaCy's command has failed; with the last lines of its output.
    """
    task, contender = TASKS[run.task], CONTENDERS[run.contender]
    config = contender.make_config(task, place.model, run.rate)
    config["system"]["seed"] = run.seed
    config["training"]["seed"] = "${system.seed}"
    fingerprint = _fingerprint(config, contender, run, place)
    path = place.result(run)
    if path.exists():
        found = _read(path)
        if found["fingerprint"] == fingerprint:
            return dict(found)
    announce(run)
    result = {
        "run": asdict(run),
        "fingerprint": fingerprint,
        "steps": config["training"]["max_steps"],
        **_train(config, task, run, place),
        "machine": describe_machine(place.threads),
        "versions": describe_versions(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
    return result


def read_results(work: Path) -> list[dict[str, Any]]:
    """The saved results of all runs."""
    return [_read(path) for path in sorted((work / "results").glob("*.json"))]


def _read(path: Path) -> dict[str, Any]:
    # Not srsly, which parses 0.0003 to another float than Python: learning rates are read back.
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def mean_score(scores: Mapping[str, float]) -> float:
    """The criterion for models and learning rates."""
    return sum(scores.values()) / len(scores)


def best_rate(tried: Sequence[Mapping[str, Any]]) -> float | None:
    """The learning rate with the best scores on the development data."""
    best: float | None = max(tried, key=lambda found: mean_score(found["dev"]))["run"]["rate"]
    return best


def _rates_to_try(contender: Contender, given: Sequence[float]) -> Sequence[float]:
    return given if given and contender.rates else contender.rates


def _borrowed_rate(
    contender: Contender, task: str, place: Place, given: Sequence[float]
) -> float | None:
    if contender.rate_of is None:
        return None
    other = CONTENDERS[contender.rate_of]
    tried = _rates_to_try(other, given)
    runs = [
        TrainingRun(task=task, contender=other.name, rate=rate, seed=RATE_SEED) for rate in tried
    ]
    paths = [place.result(run) for run in runs]
    if not all(path.exists() for path in paths):
        raise ValueError(
            f"{contender.name} has the learning rate of {other.name}: run that on {task} first"
        )
    return best_rate([_read(path) for path in paths])


def _train(config: Config, task: Task, run: TrainingRun, place: Place) -> dict[str, Any]:
    """Train in separate processes, and remove the models after they are scored."""
    folder = place.work / "runs" / run.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config.to_disk(folder / "config.cfg", interpolate=False)
    corpus = place.corpus(run.task)
    paths = {"train": corpus / "train.spacy", "dev": corpus / "dev.spacy"}
    given = CONTENDERS[run.contender].paths
    paths |= {name: place.model / within for name, within in given.items()}
    command = ["train", folder / "config.cfg", "--output", folder / "model", "--gpu-id", "-1"]
    command += [part for name, path in paths.items() for part in (f"--paths.{name}", path)]
    start = time.perf_counter()
    _spacy(command, folder / "train.log", threads=place.threads)
    seconds = time.perf_counter() - start
    best = folder / "model" / "model-best"
    # Without --per-component, spaCy omits some of the scores.
    command = ["benchmark", "accuracy", best, corpus / "test.spacy", "--per-component"]
    command += ["--output", folder / "test.json", "--gpu-id", "-1"]
    command += ["--gold-preproc"] * task.gold_sentences
    _spacy(command, folder / "test.log", threads=place.threads)
    by_component = srsly.read_json(folder / "test.json")
    test = {k: v for own in by_component.values() if isinstance(own, dict) for k, v in own.items()}
    dev = srsly.read_json(best / "meta.json")["performance"]
    shutil.rmtree(folder / "model")
    return {
        "dev": {name: dev[name] for name in task.scores},
        "test": {name: test[name] for name in task.scores},
        "seconds": seconds,
    }


def _spacy(command: Sequence[Any], log: Path, *, threads: int) -> None:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    words = [sys.executable, "-m", "spacy", *map(str, command)]
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            words, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False
        )
    if done.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        raise RuntimeError("\n".join([f"spacy {command[0]} has failed, see {log}:", *lines]))


def _fingerprint(config: Config, contender: Contender, run: TrainingRun, place: Place) -> str:
    """A digest of everything that the scores depend on, except for software versions."""
    digest = hashlib.sha256(config.to_str(interpolate=False).encode())
    files = [place.corpus(run.task) / f"{split}.spacy" for split in SPLITS]
    files += [place.model / name for name in contender.files]
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()

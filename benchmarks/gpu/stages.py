"""The stages in their order, each in a process of its own and within the time that is left."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from wasabi import msg

from benchmarks import saving
from benchmarks.gpu import attention, checks, pipelines
from benchmarks.gpu.inputs import Inputs
from benchmarks.measures import machine
from benchmarks.measures.results import Results, read_results, start_results
from benchmarks.measures.settings import FULL, QUICK, Settings

from .run import Run

ROOT = Path(__file__).parents[2]
# More documents than on the CPU, so that a run takes some tenths of a second.
GPU = replace(FULL, documents=400, training_words=4000, few_repeats=5, training_repeats=5)


@dataclass(frozen=True)
class Stage:
    """A part of the run.

    Args:
        measure: Adds its results one by one.
        share: The largest part of the whole time that it may take.
    """

    measure: Callable[[Run, Results], None]
    share: float


def measure_variants(run: Run, results: Results) -> None:
    """Measure variants of our kernels, and CUDA graphs."""
    attention.run_graphs(run, results)
    attention.run_variants(run, results)
    pipelines.run_graphs(run, results)


STAGES = {
    "gpu_checks": Stage(checks.run, 0.35),
    "gpu_pipelines": Stage(pipelines.run, 0.35),
    "gpu_attention": Stage(attention.run, 0.4),
    "gpu_variants": Stage(measure_variants, 1.0),
}


def main(arguments: argparse.Namespace) -> None:
    """Run all stages, or the one that is named."""
    Inputs(arguments.inputs).check()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no GPU that PyTorch can use: try --device cpu --quick")
    if arguments.stage is not None:
        _run_stage(arguments)
        return
    start = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        arguments.work = arguments.work or Path(temporary)
        arguments.results = arguments.results or (
            arguments.work / "results" if arguments.quick else ROOT / "benchmarks" / "results"
        )
        deadline = start + 60 * arguments.minutes
        failed = [
            name
            for name, stage in STAGES.items()
            if not _supervise(name, stage, arguments, deadline)
        ]
        _summarize(arguments.results)
    msg.info(f"{time.time() - start:.0f} s")
    if failed:
        raise SystemExit(f"Not complete: {', '.join(failed)}")


def _supervise(name: str, stage: Stage, arguments: argparse.Namespace, deadline: float) -> bool:
    """Run a stage in a process: an error, or a GPU left unusable, ends only this stage."""
    limit = min(deadline, time.time() + stage.share * 60 * arguments.minutes)
    if limit - time.time() < 1:
        msg.warn(f"{name}: no time left")
        return False
    command = [sys.executable, "-m", "benchmarks.gpu", name, "--deadline", str(limit)]
    for option in ("inputs", "results", "work", "device"):
        command += [f"--{option}", str(getattr(arguments, option))]
    command += [f"--{flag}" for flag in ("quick", "resume") if getattr(arguments, flag)]
    msg.info(f"{name} …")
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        # It stops by itself between two cases, and is stopped within one that takes too long.
        return process.wait(timeout=limit + 5 - time.time()) == 0
    except subprocess.TimeoutExpired:
        msg.warn(f"{name}: out of time, its results until now are kept")
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _run_stage(arguments: argparse.Namespace) -> None:
    stage = STAGES[arguments.stage]
    inputs = Inputs(arguments.inputs)
    threads = max(1, (os.cpu_count() or 1) // 2)
    settings = Settings(
        vocabulary=inputs.vocabulary,
        documents=inputs.texts,
        entities=inputs.corpus("ner", "train"),
        work=arguments.work,
        threads=threads,
        sizes=QUICK if arguments.quick else GPU,
    )
    if not settings.checkpoint.exists():
        torch.manual_seed(0)
        saving.make_checkpoint(settings.checkpoint, settings.vocabulary, **settings.sizes.shape)
    header = {
        "command": "make gpu",
        "machine": machine.describe_machine(threads),
        "versions": machine.describe_versions(),
        "settings": {**settings.describe(), "device": arguments.device},
    }
    results = start_results(arguments.results, arguments.stage, header, resume=arguments.resume)
    run = Run(
        inputs=inputs,
        settings=settings,
        device=arguments.device,
        quick=arguments.quick,
        deadline=arguments.deadline or time.time() + 3600,
    )
    stage.measure(run, results)
    results.save()


def _summarize(folder: Path) -> None:
    """Print every figure on a line."""
    for name in STAGES:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        for found in read_results(path).measurements:
            case = " ".join(str(value) for value in found.case.values())
            shown = found.problem or f"{found.value:.4g} {found.quantity}"
            print(f"{name:14} {case:44} {found.who:28} {shown} {found.why}"[:200])

"""Measure this package and its peers, and write `docs/performance.md` and `results/README.md`.

    python -m benchmarks run --vocabulary spm.model --documents ewt.conllu --entities wnut17.conll
    python -m benchmarks report --check

With names, `run` measures only those benchmarks; the report has the last results of all.
"""

import os
import shlex
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from wasabi import msg

from benchmarks import saving
from benchmarks.measures import (
    annotation,
    costs,
    encoder,
    gliner,
    growth,
    host,
    kernels_gpu,
    machine,
    pipe,
    training,
)
from benchmarks.measures.results import (
    Results,
    read_all,
    read_other_machines,
    start_results,
)
from benchmarks.measures.settings import FULL, QUICK, Settings
from benchmarks.report import page as report
from benchmarks.report import targets

BENCHMARKS: dict[str, Callable[[Settings, Results], None]] = {
    "encoder": encoder.run,
    "long_encoder": encoder.run_long,
    "pipe": pipe.run,
    "host": host.run,
    "training": training.run,
    "costs": costs.run,
    "growth": growth.run,
    "gliner": gliner.run,
    "annotation": annotation.run,
    "kernels_gpu": kernels_gpu.run,
}
FOLDER = Path(__file__).parent
ROOT = FOLDER.parent

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command("run")
def run(
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
    documents: Annotated[
        Path, typer.Option(help="Documents: .conllu, .spacy, or a text in each line", exists=True)
    ],
    entities: Annotated[
        Path, typer.Option(help="Entities: .spacy, or tab-separated BIO columns", exists=True)
    ],
    names: Annotated[
        list[str] | None, typer.Argument(help="Of the benchmarks; all if none")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads; 0 for all cores")] = 0,
    repeats: Annotated[int, typer.Option(help="Number of repeats; 0 for the default of each")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes; kept only in --work")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail where a target is missed")] = False,
    gliner_python: Annotated[
        Path | None, typer.Option(help="Python with gliner and gliner-spacy", exists=True)
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="A folder for checkpoints; a temporary one if none")
    ] = None,
    results: Annotated[Path | None, typer.Option(help="The folder of the results")] = None,
    page: Annotated[Path | None, typer.Option(help="The page for users")] = None,
) -> None:
    """Measure, write the report, and with `--check` compare with the targets."""
    chosen = check_names(names)
    # The default of tokenizers, without its warning when a process is started later.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    warnings.filterwarnings("ignore", message=".*byte fallback.*")
    threads = threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    with ExitStack() as stack:
        if work is None:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if quick:  # keep meaningless figures out of the real results
            work = work / "quick"
            results, page = results or work / "results", page or work / "performance.md"
        results, page = results or FOLDER / "results", page or ROOT / "docs" / "performance.md"
        settings = Settings(
            vocabulary=vocabulary,
            documents=documents,
            entities=entities,
            work=work,
            threads=threads,
            gliner_python=gliner_python,
            sizes=(QUICK if quick else FULL).with_repeats(repeats),
        )
        prepare(settings)
        header = make_header(settings, chosen, repeats=repeats, quick=quick)
        for name in chosen:
            started = start_results(results, name, header, resume=resume)
            if resume and not started.measurements:
                msg.info(f"{name} has nothing from this machine, these versions and this commit")
            measure_one(name, settings, started)
        finish(results, page, check=check, names=chosen)


@app.command("report")
def write_report(
    check: Annotated[bool, typer.Option("--check", help="Fail where a target is missed")] = False,
    results: Annotated[Path, typer.Option(help="The folder of the results")] = FOLDER / "results",
    page: Annotated[Path, typer.Option(help="The page for users")] = ROOT
    / "docs"
    / "performance.md",
) -> None:
    """Write the report of saved results."""
    finish(results, page, check=check, names=list(BENCHMARKS))


def check_names(names: list[str] | None) -> list[str]:
    """The selected benchmarks, in their order."""
    if unknown := set(names or []) - set(BENCHMARKS):
        msg.fail(f"No benchmark is called {', '.join(sorted(unknown))}: {', '.join(BENCHMARKS)}")
        raise typer.Exit(2)
    return [name for name in BENCHMARKS if not names or name in names]


def prepare(settings: Settings) -> None:
    """Write the checkpoint that all contenders load, with random weights."""
    if not settings.checkpoint.exists():
        torch.manual_seed(0)
        saving.make_checkpoint(settings.checkpoint, settings.vocabulary, **settings.sizes.shape)


def make_header(
    settings: Settings, names: list[str], *, repeats: int, quick: bool
) -> dict[str, Any]:
    """The metadata of the results."""
    words = ["python", "-m", "benchmarks", "run"]
    words += names if len(names) < len(BENCHMARKS) else []
    for option in ("vocabulary", "documents", "entities"):
        words += [f"--{option}", getattr(settings, option).name]
    words += ["--repeats", str(repeats)] if repeats else []
    words += ["--quick"] * quick
    return {
        "command": shlex.join(words),
        "machine": machine.describe_machine(settings.threads),
        "versions": machine.describe_versions(),
        "settings": settings.describe(),
    }


def measure_one(name: str, settings: Settings, results: Results) -> None:
    """Run one benchmark, and print a summary."""
    start = time.perf_counter()
    msg.info(f"{name} ...")
    BENCHMARKS[name](settings, results)
    results.save()
    for why in dict.fromkeys((m.who, m.problem, m.why) for m in results.measurements if m.problem):
        msg.warn("{}: {}: {}".format(*why))
    msg.good(f"{name}: {len(results.measurements)} figures in {time.perf_counter() - start:.0f} s")


def finish(folder: Path, page: Path, *, check: bool, names: list[str]) -> None:
    """Write the report, `README.md` beside the results and the page, and print the targets."""
    found = read_all(folder)
    report.write(found, page, folder, read_other_machines(folder))
    msg.good(f"{page}")
    if not check:
        return
    outcomes = targets.compare(found)
    compared = [outcome for outcome in outcomes if outcome.target.benchmark in names]
    rows = [(o.target.number, o.target.what, o.target.bound, o.shown, o.status) for o in compared]
    msg.table(rows, header=("no.", "what", "target", "measured", ""), divider=True)
    if failed := [outcome for outcome in compared if outcome.failed]:
        msg.fail(f"{len(failed)} of {len(compared)} targets are missed")
        raise typer.Exit(1)


if __name__ == "__main__":
    app()

"""Compare a small pretrained model on three tasks with random weights and with spaCy's CNN.

    python -m benchmarks.downstream run --data data --model deberta-v3-mini-en --work work
    python -m benchmarks.downstream report --work work

`run` resumes after an interruption: results of the same config and files are kept.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from spacy_deberta.checkpoints import find_checkpoint

from .contenders import CONTENDERS
from .runs import Place, TrainingRun, measure_all, read_results
from .table import summarize, to_markdown
from .tasks import TASKS

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Work = Annotated[Path, typer.Option(help="Folder of what was found")]


@app.command("run")
def run(
    data: Annotated[Path, typer.Option(help="Folder with wnut17, banking77 and ud_english_ewt")],
    model: Annotated[str, typer.Option(help="Folder or name of the pretrained checkpoint")],
    work: Work,
    tasks: Annotated[str, typer.Option(help="Names with commas")] = ",".join(TASKS),
    contenders: Annotated[str, typer.Option(help="Names with commas")] = ",".join(CONTENDERS),
    seeds: Annotated[str, typer.Option(help="Numbers with commas")] = "0,1,2",
    rates: Annotated[
        str, typer.Option(help="Highest learning rates to try, with commas; else those of the code")
    ] = "",
    threads: Annotated[int, typer.Option(help="Of every process", min=1)] = 1,
) -> None:
    """Train and score all contenders."""
    chosen_tasks = _split(tasks, TASKS)
    chosen_contenders = _split(contenders, CONTENDERS)
    if not all(seed.strip().isdigit() for seed in seeds.split(",")):
        raise typer.BadParameter(f"{seeds} has to be numbers with commas")
    place = Place(data=data, model=_find_model(model), work=work, threads=threads)
    found = measure_all(
        place,
        tasks=chosen_tasks,
        contenders=chosen_contenders,
        seeds=[int(seed) for seed in seeds.split(",")],
        rates=_read_rates(rates),
        announce=_announce,
    )
    for result in found:
        scores = ", ".join(f"{name} {value:.1%}" for name, value in result["test"].items())
        msg.good(
            f"{TrainingRun(**result['run']).name}: {scores}, {result['seconds']:.0f} s of training"
        )


@app.command("report")
def report(work: Work) -> None:
    """Write report.json and report.md, and print the latter: medians over the seeds."""
    rows = summarize(read_results(work))
    srsly.write_json(work / "report.json", rows)
    text = to_markdown(rows)
    (work / "report.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def _announce(begun: TrainingRun) -> None:
    msg.info(f"{begun.name} ...")


def _find_model(name: str) -> Path:
    try:
        return find_checkpoint(name).folder
    except OSError as error:
        raise typer.BadParameter(str(error)) from None


def _read_rates(given: str) -> list[float]:
    try:
        rates = [float(rate) for rate in given.split(",") if rate.strip()]
    except ValueError:
        rates = [0.0]
    if not all(0 < rate < 1 for rate in rates):
        raise typer.BadParameter(f"{given} has to be numbers between 0 and 1, with commas")
    return rates


def _split(names: str, known: Iterable[str]) -> list[str]:
    """Names in the order of the known ones, because some contenders need the results of others."""
    given = [name.strip() for name in names.split(",")]
    if unknown := sorted(set(given) - set(known)):
        raise typer.BadParameter(f"{', '.join(unknown)} is none of {', '.join(known)}")
    return [name for name in known if name in given]


if __name__ == "__main__":
    app()

"""`spacy deberta pretrain`: pretrains a model on unlabelled text."""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from spacy.cli._util import import_code, parse_config_overrides, show_validation_error
from spacy.util import load_config
from tqdm import tqdm

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors

if TYPE_CHECKING:
    from spacy_deberta.pretraining import LogRow, PhaseScores

# Overrides such as --paths.texts are parsed here, not by typer.
_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}
GPU_HELP = "Number of the GPU, or -1 for the CPU; by default a GPU if there is one"
# Between two times that the bar shows.
SECONDS_SHOWN = 10.0
CODE_HELP = "Python file with functions that the config names"


@deberta_cli.command(
    "pretrain",
    short_help="Pretrain a model on texts, from any weights.",
    context_settings=_OVERRIDES,
)
def pretrain_cli(
    ctx: typer.Context,
    config_path: Annotated[Path, Arg(help="Config, such as configs/pretrain.cfg")],
    output: Annotated[Path, Arg(help="Folder to save the model in")],
    resume: Annotated[
        bool, Opt("--resume", "-r", help="Continue from the last checkpoint")
    ] = False,
    gpu_id: Annotated[int | None, Opt("--gpu-id", "-g", help=GPU_HELP)] = None,
    code: Annotated[Path | None, Opt("--code", "-c", help=CODE_HELP)] = None,
) -> None:
    """Pretrain a DeBERTa on text, from random weights or from a checkpoint. Settings
    of the config can be overridden with options, such as --paths.texts texts/.
    With `torchrun`, all processes train one model.

    DOCS: docs/api/cli.md#pretrain
    """
    import_code(code)
    with show_errors(), show_validation_error(config_path):
        pretrain(
            config_path,
            output,
            overrides=parse_config_overrides(ctx.args),
            resume=resume,
            gpu_id=gpu_id,
        )


def pretrain(
    config_path: Path,
    output: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    gpu_id: int | None = None,
) -> None:
    """Pretrain a DeBERTa on text.

    config_path (Path): A config, such as `configs/pretrain.cfg`.
    output (Path): Folder to save the model in.
    overrides (Mapping[str, Any] | None): Settings by their dotted names.
    resume (bool): Continue from the last checkpoint, if there is one.
    gpu_id (int | None): Number of the GPU, or -1 for the CPU; by default a GPU if there is one.
    """
    # PyTorch takes seconds to import.
    if os.environ.get("RANK", "0") == "0":
        print(f"Pretraining with '{config_path}'", file=sys.stderr, flush=True)
    from spacy_deberta import pretraining

    config = load_config(config_path, overrides=dict(overrides or {}), interpolate=False)
    progress = _Progress(config.interpolate().get("pretraining", {}).get("max_steps"))
    try:
        pretraining.pretrain(
            config,
            output,
            resume=resume,
            gpu=gpu_id,
            report=progress,
            announce=progress.announce,
            progress=progress.show_steps,
        )
    finally:
        progress.close()
    if progress.used:
        make_printer(sys.stdout).good("Saved the model")
        print_text(str(output))


class _Progress:
    """A progress bar with speed, losses and remaining time, shown from the first update on.

    total (int | None): Number of steps; None if the config has none.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._bar: tqdm[Any] | None = None
        self._closed = threading.Event()
        self.used = False

    def announce(self, text: str) -> None:
        """Print a message about the preparation of the training."""
        print(text, file=sys.stderr, flush=True)

    def show_steps(self, steps: float) -> None:
        """Move the bar to a number of steps, of which the last may not be complete."""
        bar = self._open(int(steps))
        bar.n = int(steps) if steps == int(steps) else round(steps, 2)
        bar.refresh()

    def __call__(self, row: "LogRow") -> None:
        """Show a row of the log."""
        self.used = True
        bar = self._open(row.step)
        bar.n = row.step
        bar.set_postfix_str(f"{row.pieces_per_second:,.0f} pieces/s, {_show(row.training)}")
        if row.held_out:
            bar.write(f"{row.step:>8}  {_show(row.held_out)}", file=sys.stderr)

    def _open(self, step: int) -> "tqdm[Any]":
        if self._bar is None:
            self._bar = tqdm(total=self._total, initial=step, unit="step", dynamic_ncols=True)
            threading.Thread(target=self._keep_time, args=(self._bar,), daemon=True).start()
        return self._bar

    def _keep_time(self, bar: "tqdm[Any]") -> None:
        """Show the time that has passed, also while a batch takes long."""
        while not self._closed.wait(SECONDS_SHOWN):
            bar.refresh()

    def close(self) -> None:
        """Close the bar, and leave it visible."""
        self._closed.set()
        if self._bar is not None:
            self._bar.close()


def _show(phases: Mapping[str, "PhaseScores"]) -> str:
    return ", ".join(
        f"{name} loss {scores.loss:.4f} acc {scores.accuracy:.3f}"
        + ("" if scores.recall is None else f" rec {scores.recall:.3f}")
        for name, scores in phases.items()
    )

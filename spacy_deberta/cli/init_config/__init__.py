"""`spacy deberta init-config`: a complete, commented config for given components."""

import sys
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import Annotated

from spacy_deberta.cli._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from spacy_deberta.errors import Errors
from spacy_deberta.files import write_atomically

from .rendering import render_config
from .settings import Optimize

__all__ = ["init_config", "init_config_cli"]

OUTPUT_HELP = "The config to write, or - to print it"
PIPELINE_HELP = "Names of the components, separated by commas"
ENCODER_HELP = (
    "Checkpoint: name on the hub, or folder; null for random weights. By default by --optimize"
)
OPTIMIZE_HELP = (
    "For a laptop with a few hundred texts (cpu), or for a base-size model on a GPU. "
    "By default by the encoder"
)
STEPS_HELP = "Number of updates, over which the learning rate decreases"
EVAL_HELP = "Updates between two evaluations, at most"
VOCABULARY_HELP = "An spm.model, for random weights; a checkpoint has its own"
LOG_HELP = "Write the scores of the training to this file, one JSON a line"
FORCE_HELP = "Overwrite the file, and remove the log of an earlier training"
BATCH_HELP = "Words of a batch, padding included; for question answering paragraphs"


class _Optimize(str, Enum):
    """The choices of `--optimize`, for typer."""

    cpu = "cpu"
    gpu = "gpu"


@deberta_cli.command("init-config", short_help="Write a config for `spacy train`.")
def init_config_cli(
    output: Annotated[Path, Arg(help=OUTPUT_HELP, allow_dash=True)],
    pipeline: Annotated[str, Opt("--pipeline", "-p", help=PIPELINE_HELP)] = "ner",
    optimize: Annotated[_Optimize | None, Opt("--optimize", "-o", help=OPTIMIZE_HELP)] = None,
    encoder: Annotated[str | None, Opt("--encoder", "-e", help=ENCODER_HELP)] = None,
    lang: Annotated[str, Opt("--lang", "-l", help="Code of the language")] = "en",
    steps: Annotated[int | None, Opt("--steps", "-s", help=STEPS_HELP)] = None,
    eval_frequency: Annotated[int | None, Opt("--eval-frequency", "-E", help=EVAL_HELP)] = None,
    dropout: Annotated[float | None, Opt("--dropout", "-d", help="Rate of dropout")] = None,
    batch_size: Annotated[int | None, Opt("--batch-size", "-b", help=BATCH_HELP)] = None,
    vocabulary: Annotated[Path | None, Opt("--vocabulary", "-v", help=VOCABULARY_HELP)] = None,
    hidden_size: Annotated[int, Opt("--hidden-size", help="Width, for random weights")] = 128,
    layers: Annotated[int, Opt("--layers", help="Number of layers, for random weights")] = 2,
    log: Annotated[Path | None, Opt("--log", help=LOG_HELP)] = None,
    force: Annotated[bool, Opt("--force", "-F", help=FORCE_HELP)] = False,
) -> None:
    """Write a config for `spacy train` with the given components on a DeBERTa.

    DOCS: docs/api/cli.md#init-config
    """
    with show_errors():
        to_file = str(output) != "-"
        if to_file and output.exists() and not force:
            raise ValueError(Errors.E538.format(path=output))
        if log is not None and log.exists() and not force:
            raise ValueError(Errors.E542.format(path=log))
        components = [name.strip() for name in pipeline.split(",") if name.strip()]
        text = init_config(
            components,
            optimize=None if optimize is None else optimize.value,
            encoder=encoder,
            lang=lang,
            path=output.as_posix() if to_file else "config.cfg",
            steps=steps,
            eval_frequency=eval_frequency,
            dropout=dropout,
            batch_size=batch_size,
            vocabulary=vocabulary,
            hidden_size=hidden_size,
            layers=layers,
            log=log,
        )
        if to_file:
            output.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(output, text.encode("utf-8"))
        if log is not None:
            log.unlink(missing_ok=True)
    if not to_file:
        print_text(text.rstrip("\n"))
        return
    msg = make_printer(sys.stdout)
    if vocabulary is not None and encoder not in (None, "null"):
        msg.info(f"{vocabulary} is not used: {encoder} has its own vocabulary and sizes")
    msg.good("Saved the config. Its first lines say how to train with it")
    print_text(str(output))


def init_config(
    pipeline: list[str],
    *,
    optimize: Optimize | None = None,
    encoder: str | None = None,
    lang: str = "en",
    path: str = "config.cfg",
    steps: int | None = None,
    eval_frequency: int | None = None,
    dropout: float | None = None,
    batch_size: int | None = None,
    vocabulary: str | PathLike[str] | None = None,
    hidden_size: int = 128,
    layers: int = 2,
    log: str | PathLike[str] | None = None,
) -> str:
    """Make a config for `spacy train`.

    pipeline (list[str]): Names of the components: those of spaCy that listen to an encoder, which
        is added before them, or one component that runs a checkpoint with its head.
    optimize (Literal["cpu", "gpu"] | None): "cpu" is for a small model and a few hundred texts,
        "gpu" for a model of base size; by default "gpu" for checkpoints that are not in the
        package, and "cpu" for all else.
    encoder (str | None): Name of a checkpoint on the hub, or its folder, or "null" for random
        weights; by default `deberta-v3-mini-en` for "cpu" and `microsoft/deberta-v3-base` for
        "gpu".
    lang (str): Code of the language.
    path (str): The path of the config in its first lines, which show the command.
    steps (int | None): Number of updates, over which the learning rate decreases.
    eval_frequency (int | None): Updates between two evaluations, at most.
    dropout (float | None): Rate of dropout.
    batch_size (int | None): Size of a batch: words, or paragraphs for question answering.
    vocabulary (str | PathLike[str] | None): An `spm.model`, for random weights.
    hidden_size (int): Width, for random weights.
    layers (int): Number of layers, for random weights.
    log (str | PathLike[str] | None): File for the scores, one JSON a line.
    RETURNS (str): The config, with comments.
    """
    # Reads the list of checkpoints in the package, which imports what the command's help needs not.
    from .choices import RandomWeights, TrainingChoices, check_positive, choose_settings

    check_positive(batch_size=batch_size, layers=layers)
    choices = TrainingChoices(
        steps=steps,
        eval_frequency=eval_frequency,
        dropout=dropout,
        log=None if log is None else Path(log),
    )
    optimize, settings = choose_settings(
        optimize,
        encoder,
        RandomWeights(
            vocabulary=None if vocabulary is None else Path(vocabulary),
            hidden_size=hidden_size,
            layers=layers,
        ),
    )
    return render_config(
        pipeline,
        optimize=optimize,
        settings=choices.apply(settings),
        batch_size=batch_size,
        lang=lang,
        path=path,
    )

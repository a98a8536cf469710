"""`spacy deberta init-config`: a complete, commented config for given components."""

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

from spacy_deberta.cli._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from spacy_deberta.errors import Errors
from spacy_deberta.files import write_atomically

from .rendering import render_config
from .settings import OPTIMIZE, Optimize

__all__ = ["init_config", "init_config_cli"]

OUTPUT_HELP = "The config to write, or - to print it"
PIPELINE_HELP = "Names of the components, separated by commas"
ENCODER_HELP = "Checkpoint: name on the hub, or folder. By default by --optimize"
OPTIMIZE_HELP = "For a laptop with a few hundred texts (cpu), or for a base-size model on a GPU"


class _Optimize(str, Enum):
    """The choices of `--optimize`, for typer."""

    cpu = "cpu"
    gpu = "gpu"


@deberta_cli.command("init-config")
def init_config_cli(
    output: Annotated[Path, Arg(help=OUTPUT_HELP, allow_dash=True)],
    pipeline: Annotated[str, Opt("--pipeline", "-p", help=PIPELINE_HELP)] = "ner",
    optimize: Annotated[_Optimize, Opt("--optimize", "-o", help=OPTIMIZE_HELP)] = _Optimize.cpu,
    encoder: Annotated[str | None, Opt("--encoder", "-e", help=ENCODER_HELP)] = None,
    lang: Annotated[str, Opt("--lang", "-l", help="Code of the language")] = "en",
    force: Annotated[bool, Opt("--force", "-F", help="Overwrite the file")] = False,
) -> None:
    """Write a config for `spacy train` with the given components on a DeBERTa.

    DOCS: docs/api/cli.md#init-config
    """
    with show_errors():
        to_file = str(output) != "-"
        if to_file and output.exists() and not force:
            raise ValueError(Errors.E538.format(path=output))
        components = [name.strip() for name in pipeline.split(",") if name.strip()]
        text = init_config(
            components,
            optimize=optimize.value,
            encoder=encoder,
            lang=lang,
            path=output.as_posix() if to_file else "config.cfg",
        )
        if to_file:
            output.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(output, text.encode("utf-8"))
    if not to_file:
        print_text(text.rstrip("\n"))
        return
    make_printer(sys.stdout).good("Saved the config. Its first lines say how to train with it")
    print_text(str(output))


def init_config(
    pipeline: list[str],
    *,
    optimize: Optimize = "cpu",
    encoder: str | None = None,
    lang: str = "en",
    path: str = "config.cfg",
) -> str:
    """Make a config for `spacy train`.

    pipeline (list[str]): Names of the components: those of spaCy that listen to an encoder, which
        is added before them, or one component that runs a checkpoint with its head.
    optimize (Literal["cpu", "gpu"]): "cpu" is for a small model and a few hundred texts, "gpu" for
        a model of base size.
    encoder (str | None): Name of a checkpoint on the hub, or its folder; by default
        `deberta-v3-mini-en` for "cpu" and `microsoft/deberta-v3-base` for "gpu".
    lang (str): Code of the language.
    path (str): The path of the config in its first lines, which show the command.
    RETURNS (str): The config, with comments.
    """
    if optimize not in OPTIMIZE:
        raise ValueError(Errors.E539.format(optimize=optimize))
    return render_config(pipeline, optimize=optimize, encoder=encoder, lang=lang, path=path)

"""`spacy deberta train`: `spacy train` in one or several processes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.cli._util import import_code, parse_config_overrides, show_validation_error
from spacy.util import load_config

from spacy_deberta.errors import Errors

from ._util import Arg, Opt, deberta_cli, show_errors
from .migration import DROPPED, find_old_settings

CODE_HELP = "Python file with functions that the config names"
GPU_HELP = "GPU ID of the first process or -1 for CPU"


@deberta_cli.command(
    "train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def train_cli(
    ctx: typer.Context,
    config_path: Annotated[Path, Arg(help="Config of spacy train", exists=True, dir_okay=False)],
    output: Annotated[
        Path | None, Opt("--output", "-o", help="Folder to save the pipeline in")
    ] = None,
    code: Annotated[Path | None, Opt("--code", "-c", help=CODE_HELP)] = None,
    use_gpu: Annotated[int, Opt("--gpu-id", "-g", help=GPU_HELP)] = -1,
) -> None:
    """Train a pipeline like `spacy train`. With `torchrun`, all processes train one
    pipeline, and each computes a part of every batch. Settings of the config can
    be overridden with options, such as --paths.train train.spacy.

    DOCS: docs/api/cli.md#train
    """
    import_code(code)
    with show_errors(), show_validation_error(config_path):
        train(config_path, output, overrides=parse_config_overrides(ctx.args), use_gpu=use_gpu)


def train(
    config_path: Path,
    output: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    use_gpu: int = -1,
) -> None:
    """Train a pipeline in all processes of a `torchrun`.

    config_path (Path): A config of `spacy train`.
    output (Path | None): Folder to save the pipeline in.
    overrides (Mapping[str, Any] | None): Settings by their dotted names.
    use_gpu (int): GPU ID of the first process, -1 for the CPU. Other processes use the next IDs.

    Raises:
        ValueError: A setting of spacy-transformers is left in a block of this package (E455).
    """
    from spacy_deberta.distributed import train_in_parallel

    config = load_config(config_path, overrides=dict(overrides or {}), interpolate=False)
    for section, _, setting in find_old_settings(config):
        reason = DROPPED[setting]
        raise ValueError(
            Errors.E455.format(path=config_path, section=section, setting=setting, reason=reason)
        )
    train_in_parallel(config, output, gpu=use_gpu)

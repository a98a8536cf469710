"""`spacy deberta convert`: converts checkpoints between layouts."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from spacy_deberta.errors import Errors

from ._util import (
    BASE_HELP,
    SUBFOLDER_HELP,
    Arg,
    Opt,
    deberta_cli,
    make_printer,
    print_text,
    show_errors,
)
from .text_splitters import DEFAULT_LANG, blank_pipeline

if TYPE_CHECKING:
    from spacy_deberta.models import Conversion

PIPELINE = "spacy"
LAYOUTS = ("huggingface", "tensorflow", PIPELINE)
COMPONENT = "transformer"

SOURCE_HELP = "Checkpoint of any layout: a folder, or a name on the Hugging Face hub"
LANG_HELP = "Language of the pipeline; for --to spacy only"


@deberta_cli.command("convert", short_help="Convert a checkpoint to another layout.")
def convert_cli(
    source: Annotated[str, Arg(help=SOURCE_HELP)],
    target: Annotated[Path, Arg(help="The folder to write: a new one, or an empty one")],
    to: Annotated[str, Opt("--to", "-t", help=f"Layout to write: {', '.join(LAYOUTS)}")],
    revision: Annotated[
        str | None, Opt("--revision", "-r", help="Branch, tag or commit on the hub")
    ] = None,
    subfolder: Annotated[str | None, Opt("--subfolder", "-s", help=SUBFOLDER_HELP)] = None,
    base: Annotated[str | None, Opt("--base", "-b", help=BASE_HELP)] = None,
    lang: Annotated[
        str | None, Opt("--lang", "-l", help=LANG_HELP, show_default=DEFAULT_LANG)
    ] = None,
) -> None:
    """Convert a checkpoint to another layout: Hugging Face's for PyTorch or for
    TensorFlow, or a spaCy pipeline with one component. Heads are kept where the
    layout has them; the command lists all weights that are left out.

    DOCS: docs/api/cli.md#convert
    """
    with show_errors():
        conversion = convert(
            source,
            target,
            to=to,
            revision=revision,
            subfolder=subfolder or "",
            base=base,
            lang=lang,
        )
    msg = make_printer(sys.stdout)
    parts: dict[str, None] = {}
    for key, description in conversion.left_out.items():
        parts[f"{_part(key)} ({description})"] = None
    if parts:
        msg.warn("Left out:")
        for part in parts:
            print_text(f"  {part}")
    if not conversion.has_vocabulary:
        msg.warn("There is no vocabulary, so texts can't be split into pieces")
    count = f"{conversion.parameters:,} parameters"
    msg.good(f"Saved {conversion.architecture} ({count}) as {to}")
    print_text(str(target))


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: str,
    revision: str | None = None,
    subfolder: str = "",
    base: str | os.PathLike[str] | None = None,
    lang: str | None = None,
) -> "Conversion":
    """Convert a checkpoint to another layout.

    source (str | os.PathLike[str]): A folder, or a name on the Hugging Face hub.
    target (str | os.PathLike[str]): The folder to write: a new one, or an empty one.
    to (str): "huggingface", "tensorflow" or "spacy".
    revision (str | None): Branch, tag or commit on the hub.
    subfolder (str): The folder within the repository, if it is not the repository itself.
    base (str | os.PathLike[str] | None): The checkpoint that an adapter was made for, if it is not
        where its config says.
    lang (str | None): Language of the pipeline, by default English; for "spacy" only.
    RETURNS (Conversion): The written layout and the weights that were left out.
    """
    if to not in LAYOUTS:
        raise ValueError(Errors.E508.format(to=to, known=", ".join(LAYOUTS)))
    if to == PIPELINE:
        return _to_pipeline(
            source,
            Path(target).expanduser(),
            place={"revision": revision, "subfolder": subfolder, "base": base},
            lang=lang,
        )
    from spacy_deberta.models import convert_checkpoint

    if lang is not None:
        raise ValueError(Errors.E509.format(to=to))
    return convert_checkpoint(
        source, target, to=to, revision=revision, subfolder=subfolder, base=base
    )


def _to_pipeline(
    source: str | os.PathLike[str], target: Path, *, place: dict[str, Any], lang: str | None
) -> "Conversion":
    from spacy_deberta.files import new_folder
    from spacy_deberta.layers import get_encoder
    from spacy_deberta.models import Conversion, describe_checkpoint

    nlp = blank_pipeline(DEFAULT_LANG if lang is None else lang)
    with new_folder(target) as folder:
        found = describe_checkpoint(source, **place)
        base = None if place["base"] is None else os.fspath(place["base"])
        model = {"name": os.fspath(source), **place, "base": base}
        pipe = nlp.add_pipe("deberta", name=COMPONENT, config={"model": model})
        nlp.initialize()
        # The pipeline has its own copy of the weights, and should not name a path of this machine.
        nlp.config["components"][COMPONENT]["model"].update(dict.fromkeys(model))
        nlp.to_disk(folder)
    encoder = get_encoder(pipe.model)  # type: ignore[attr-defined]
    return Conversion(
        name=found.name,
        layout=found.layout,
        folder=target,
        to=PIPELINE,
        architecture=type(encoder).__name__,
        parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        left_out=found.heads,
        has_vocabulary=True,
    )


def _part(key: str) -> str:
    """The name of a tensor's head; the full key for tensors of the encoder."""
    return key if key.startswith("deberta.") else key.partition(".")[0]

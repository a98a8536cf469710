"""`spacy deberta align`: the command and its Python function."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from spacy_deberta.cli._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from spacy_deberta.cli.text_splitters import DEFAULT_LANG, load_splitters
from spacy_deberta.errors import Errors
from spacy_deberta.text_alignment import Alignment, align_doc

from .page import write_page
from .table import format_table

DEFAULT_MODEL = "microsoft/deberta-v3-base"

TEXT_HELP = "The text, or - to read it from standard input (one trailing newline is removed)"
MODEL_HELP = (
    "Checkpoint (name or folder), path of an spm.model, or trained pipeline (package or folder)"
)
LANG_HELP = "Language of spaCy's tokenizer; a trained pipeline has its own"
HTML_HELP = "Also write the alignment to this file, as an HTML page"


@deberta_cli.command("align", short_help="Show the pieces of each token of a text.")
def align_cli(
    text: Annotated[str, Arg(help=TEXT_HELP)],
    model: Annotated[str, Opt("--model", "-m", help=MODEL_HELP)] = DEFAULT_MODEL,
    lang: Annotated[
        str | None, Opt("--lang", "-l", help=LANG_HELP, show_default=DEFAULT_LANG)
    ] = None,
    html: Annotated[Path | None, Opt("--html", "-H", help=HTML_HELP)] = None,
    as_json: Annotated[bool, Opt("--json", "-j", help="Print JSON instead of a table")] = False,
) -> None:
    """Show the pieces of each token of a text, with their ids and character offsets.
    The vector of a token is pooled from exactly these pieces.

    DOCS: docs/api/cli.md#align
    """
    with show_errors():
        alignment = align(_read_stdin() if text == "-" else text, model=model, lang=lang)
        if html is not None:
            write_page(alignment, html)
    if as_json:
        print(json.dumps(alignment.to_dict(), indent=2))
        return
    msg = make_printer(sys.stdout)
    if alignment.tokens or alignment.pieces:
        print_text(f"\n{format_table(alignment, colored=msg.show_color)}\n")
    msg.info(alignment.summary)
    if html is not None:
        msg.good(f"Saved the page to {html}")


def align(
    text: str, *, model: str | os.PathLike[str] = DEFAULT_MODEL, lang: str | None = None
) -> Alignment:
    """Align the tokens of a text with its pieces.

    text (str): The text.
    model (str | os.PathLike[str]): Checkpoint (name or folder), path of an `spm.model`, or trained
        pipeline (package or folder).
    lang (str | None): Language of spaCy's tokenizer, by default English; not with a pipeline.
    RETURNS (Alignment): Tokens and pieces with their offsets.
    """
    try:
        text.encode("utf8")
    except UnicodeEncodeError as error:
        raise ValueError(Errors.E504.format(error=error)) from error
    name = os.fspath(model)
    found = load_splitters(name, lang=lang)
    return align_doc(
        found.nlp.make_doc(text),
        found.tokenizer,
        model=name,
        is_split_into_words=found.is_split_into_words,
    )


def _read_stdin() -> str:
    try:
        text = typer.get_binary_stream("stdin").read().decode("utf8")
    except UnicodeDecodeError as error:
        raise ValueError(Errors.E504.format(error=error)) from error
    # `echo` and editors append a newline that is not part of the text.
    return text.removesuffix("\n").removesuffix("\r")

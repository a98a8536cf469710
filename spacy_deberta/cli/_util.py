"""The command group `spacy deberta`, and formatting of output and errors."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import metadata
from typing import Annotated, TextIO

import typer
from spacy.cli._util import Arg, Opt, app
from wasabi import Printer

from spacy_deberta.errors import Errors

SUBFOLDER_HELP = "The folder within the repository, if it is not the repository itself"
BASE_HELP = "The checkpoint that an adapter was made for, if it is not where its config says"

__all__ = ["Arg", "Opt", "deberta_cli", "make_printer", "print_text", "show_errors"]

HELP = """Commands for DeBERTa in spaCy: pretrain and convert checkpoints, train
pipelines, and inspect tokenization, checkpoints and predictions.
"""

# Codes of this package and of spaCy: such messages need no traceback.
_CODED = re.compile(r"\[(spacy-deberta )?E\d+\]")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

deberta_cli = typer.Typer(name="deberta", help=HELP, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(deberta_cli)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(metadata.version("spacy-deberta"))
        raise typer.Exit


@deberta_cli.callback(help=HELP)
def _deberta(
    version: Annotated[
        bool,
        Opt("--version", help="Print the version and exit", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Options of the group itself."""


def make_printer(stream: TextIO) -> Printer:
    """Make a printer that uses colours if the stream is a terminal.

    wasabi reads its own environment variables; files, pipes and `NO_COLOR` are handled here.

    stream (TextIO): Where the output goes.
    RETURNS (Printer): The printer. It still prints to `sys.stdout`.
    """
    msg = Printer()
    msg.show_color = msg.show_color and stream.isatty() and not os.environ.get("NO_COLOR")
    return msg


def print_text(text: str) -> None:
    """Print to a terminal of any encoding. Characters that it lacks are escaped.

    text (str): The text.
    """
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


@contextmanager
def show_errors() -> Iterator[None]:
    """Print errors of bad input to stderr and exit with 1. Other exceptions propagate."""
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        message = " ".join(str(error).split())
        if not _CODED.match(message):
            if not isinstance(error, OSError):
                raise
            message = Errors.E501.format(error=message, way_out=_way_out(error))
        with redirect_stdout(sys.stderr):
            make_printer(sys.stderr).fail(message, exits=1)


def _way_out(error: OSError) -> str:
    """What to do about an error of the system, which says neither what was read nor written."""
    if error.errno in _FULL:
        return "Make room on the disk, or give a path on another one"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return "Check the path and your permission to read or write there"
    return "Check the path: a file to read has to exist, and for one to write its folder"

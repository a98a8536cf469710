"""What the commands share: the group `spacy deberta`, and how output and errors look."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

import typer
from spacy.cli._util import Arg, Opt, app
from wasabi import Printer

from spacy_deberta.errors import Errors

SUBFOLDER_HELP = "The folder within the repository, if it is not the repository itself"
BASE_HELP = "The checkpoint that an adapter was made for, if it is not where its config says"

__all__ = ["Arg", "Opt", "deberta_cli", "make_printer", "print_text", "show_errors"]

HELP = """Commands for DeBERTa in spaCy: see how a text is cut into pieces, what a
checkpoint holds and what a pipeline does, and convert checkpoints.
"""

# The codes of this package and those of spaCy: such messages say all that a user needs.
_CODED = re.compile(r"\[(spacy-deberta )?E\d+\]")

deberta_cli = typer.Typer(name="deberta", help=HELP, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(deberta_cli)


def make_printer(stream: TextIO) -> Printer:
    """Make a printer that is as colourful as a stream can show.

    wasabi knows of its own variables; files, pipes and `NO_COLOR` are left to us.

    stream (TextIO): Where the output goes.
    RETURNS (Printer): The printer. It still prints to `sys.stdout`.
    """
    msg = Printer()
    msg.show_color = msg.show_color and stream.isatty() and not os.environ.get("NO_COLOR")
    return msg


def print_text(text: str) -> None:
    """Print to a terminal of any encoding: what it can't write is escaped.

    text (str): The text.
    """
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


@contextmanager
def show_errors() -> Iterator[None]:
    """Show errors of bad input as one message on stderr, and exit with 1. Bugs stay exceptions."""
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        message = " ".join(str(error).split())
        if not _CODED.match(message):
            if not isinstance(error, OSError):
                raise
            message = Errors.E501.format(error=message)
        with redirect_stdout(sys.stderr):
            make_printer(sys.stderr).fail(message, exits=1)

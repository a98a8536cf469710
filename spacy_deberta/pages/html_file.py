"""Atomic writes of HTML pages."""

from pathlib import Path

from spacy_deberta.errors import Errors
from spacy_deberta.files import write_atomically


def write_html(html: str, path: Path) -> None:
    """Write a page atomically. An existing file is replaced.

    html (str): The page.
    path (Path): The file.
    """
    try:
        write_atomically(path, html.encode("utf8"))
    except OSError as error:
        raise OSError(Errors.E503.format(path=path, error=error.strerror)) from error

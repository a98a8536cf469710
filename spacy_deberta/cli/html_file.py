"""Writing an HTML page: the whole of it, or nothing."""

import os
from pathlib import Path

from spacy_deberta.errors import Errors


def write_html(html: str, path: Path) -> None:
    """Write a page. A file that is there is replaced when the new one is complete.

    html (str): The page.
    path (Path): The file.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(html, encoding="utf8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(Errors.E503.format(path=path, error=error.strerror)) from error

"""The error for a damaged `tokenizer.json` or `vocab.txt`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_deberta.errors import Errors


class UnreadableVocabularyError(ValueError):
    """E232, raised where only the content of the file is known.

    Args:
        error: What is wrong with the content.
    """

    def __init__(self, error: object) -> None:
        super().__init__(Errors.E232.format(file="The tokenizer.json or vocab.txt", error=error))
        self.error = error


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Name the file in E232.

    Args:
        path: The file that is read in this context.

    Raises:
        ValueError: It is damaged (E232).
    """
    try:
        yield
    except UnreadableVocabularyError as error:
        raise ValueError(Errors.E232.format(file=path, error=error.error)) from error

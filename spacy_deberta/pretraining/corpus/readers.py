"""Readers of pretraining texts: our own, and any of spaCy's."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_deberta.errors import Errors, check_flag, check_number

from .texts import read_texts


def text_corpus_v1(
    path: str | Path | list[str | Path] | None, lines_are_documents: bool = False, limit: int = 0
) -> Callable[[Language], Iterable[str]]:
    """Read texts without annotations, one document at a time.

    path (str | Path | list[str | Path] | None): Files (.txt, .jsonl, .spacy) or folders of them.
    lines_are_documents (bool): Whether every line of a .txt is a document. Otherwise documents are
        separated by empty lines.
    limit (int): Maximum number of documents; 0 for all.
    RETURNS (Callable[[Language], Iterable[str]]): The reader.

    DOCS: docs/api/corpora.md#TextCorpus
    """
    if path is None:
        raise ValueError(Errors.E701.format(path=path, error="the config gives no path"))
    check_flag("lines_are_documents", lines_are_documents)
    check_number("limit", limit, lambda n: n >= 0, "at least 0", whole=True)
    paths = path if isinstance(path, list) else [path]
    return TextCorpus(tuple(map(Path, paths)), lines_are_documents, limit)


@dataclass(frozen=True)
class TextCorpus:
    """Texts from files; see `text_corpus_v1`."""

    paths: tuple[Path, ...]
    lines_are_documents: bool = False
    limit: int = 0

    def __call__(self, nlp: Language) -> Iterator[str]:
        """Read the texts.

        nlp (Language): Not used.
        YIELDS (str): The documents.
        """
        texts = read_texts(self.paths, lines_are_documents=self.lines_are_documents)
        return islice(texts, self.limit or None)


def document_texts(reader: Callable[[Language], Iterable[Any]], nlp: Language) -> Iterator[str]:
    """Read the texts of any corpus.

    Args:
        reader: Yields strings, `Doc`s, or `Example`s, as spaCy's readers do.
        nlp: Makes `Doc`s for readers that need it. spaCy's readers add every word to its
            vocabulary; `spacy-deberta.TextCorpus.v1` does not.

    Yields:
        One text for each.

    Raises:
        ValueError: The reader yields something else (E708), or can't read (E701).
    """
    for item in _read(reader, nlp):
        if isinstance(item, Example):
            yield item.reference.text
        elif isinstance(item, Doc):
            yield item.text
        elif isinstance(item, str):
            yield item
        else:
            raise ValueError(Errors.E708.format(found=f"a {type(item).__name__}"))


def _read(reader: Callable[[Language], Iterable[Any]], nlp: Language) -> Iterator[Any]:
    try:
        items = reader(nlp)
        if isinstance(items, str):
            raise ValueError(Errors.E708.format(found="a single string"))
        yield from items
    except OSError as error:
        where, reason = error.filename or "of the config", error.strerror or error
        raise ValueError(Errors.E701.format(path=where, error=reason)) from error

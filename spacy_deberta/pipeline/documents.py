"""Check of the documents that users give to components."""

from collections.abc import Iterable
from typing import Any

from spacy.tokens import Doc

from spacy_deberta.errors import Errors


def check_docs(docs: Any, *, component: str) -> list[Doc]:
    """Check that documents are a list of them: a single one would be split into its tokens.

    Args:
        docs: An iterable of documents, which is consumed.
        component: The name of the component, for the message.

    Returns:
        The documents, as a list.

    Raises:
        ValueError: It is one document, a text or something else (E626).
    """
    if isinstance(docs, Doc | str | bytes) or not isinstance(docs, Iterable):
        raise _no_docs(f"one {type(docs).__name__}", component)
    checked = list(docs)
    for doc in checked:
        if not isinstance(doc, Doc):
            raise _no_docs(f"a list with one {type(doc).__name__}", component)
    return checked


def _no_docs(found: str, component: str) -> ValueError:
    return ValueError(Errors.E626.format(component=component, found=found))

"""Check of the documents that a component gets."""

from collections.abc import Iterable

from spacy.tokens import Doc

from spacy_deberta.errors import Errors


def check_docs(docs: Iterable[Doc]) -> list[Doc]:
    """List documents, after a check that they are documents and not their texts or tokens.

    Args:
        docs: The documents.

    Raises:
        ValueError: One is of another type (E456).
    """
    if not isinstance(docs, Iterable):
        raise ValueError(Errors.E456.format(found=type(docs).__name__))
    docs = [docs] if isinstance(docs, str) else list(docs)
    for doc in docs:
        if not isinstance(doc, Doc):
            raise ValueError(Errors.E456.format(found=type(doc).__name__))
    return docs

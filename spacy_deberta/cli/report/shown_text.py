"""A text of the report with what a pipeline said of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from spacy.training import Example


@dataclass(frozen=True)
class ShownText:
    """A text, as each of the views in `texts.DOC_VIEWS` gets it.

    example (Example): The document that the pipeline has seen, and the one from the data.
    assigned (frozenset[str]): What the components set, as they declare it: "doc.ents", "token.tag".
    colors (Mapping[str, str]): The CSS colour of every label of entities and spans.
    """

    example: Example
    assigned: frozenset[str]
    colors: Mapping[str, str]

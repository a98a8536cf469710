"""A text of the report with its predictions."""

from collections.abc import Mapping
from dataclasses import dataclass

from spacy.training import Example


@dataclass(frozen=True)
class ShownText:
    """Input of the views in `texts.DOC_VIEWS`.

    example (Example): The document with predictions, and the gold document.
    assigned (frozenset[str]): The attributes that the components assign, such as "doc.ents".
    colors (Mapping[str, str]): The CSS colour of each label of entities and spans.
    """

    example: Example
    assigned: frozenset[str]
    colors: Mapping[str, str]

"""A text of the report with its predictions, and what its views show."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy.training import Example

from .verdicts import Verdict


@dataclass(frozen=True)
class ShownText:
    """Input of the views in `texts.DOC_VIEWS`.

    number (int): Its place in the data, counted from 1.
    example (Example): The document with predictions, and the gold document.
    assigned (frozenset[str]): The attributes that the components assign, such as "doc.ents".
    threshold (float): The lowest score of a predicted category, where a text can have several.
    """

    number: int
    example: Example
    assigned: frozenset[str]
    threshold: float


@dataclass(frozen=True)
class View:
    """One kind of prediction of a text.

    template (str): The template that shows it, with `content` as `view`.
    content (Mapping[str, Any]): Its values.
    errors (Counter[Verdict] | None): The number of errors of each kind; None without gold
        annotations.
    """

    template: str
    content: Mapping[str, Any]
    errors: Counter[Verdict] | None

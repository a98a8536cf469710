"""Counts of annotated texts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spacy.tokens import Doc


@dataclass
class Counts:
    """What was annotated.

    Attributes:
        texts: Number of rows, with those that have an error.
        words: Number of tokens.
        entities: Number of entities of each label.
        errors: Number of rows with an error, by its kind.
        seconds: How long it took, without loading the pipeline.
    """

    texts: int = 0
    words: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = field(default=0.0, compare=False)

    def add(self, doc: Doc, error: str | None) -> None:
        """Count a row."""
        self.texts += 1
        if error is None:
            self.words += len(doc)
            self.entities.update(span.label_ for span in doc.ents)
        else:
            self.errors[error.partition(":")[0]] += 1

    def update(self, other: "Counts") -> None:
        """Add other counts."""
        self.texts += other.texts
        self.words += other.words
        self.entities.update(other.entities)
        self.errors.update(other.errors)
        self.seconds += other.seconds

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "texts": self.texts,
            "words": self.words,
            "entities": dict(sorted(self.entities.items())),
            "errors": dict(sorted(self.errors.items())),
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Counts":
        """Counts of `to_dict`."""
        return cls(
            texts=values["texts"],
            words=values["words"],
            entities=Counter(values["entities"]),
            errors=Counter(values["errors"]),
            seconds=values["seconds"],
        )

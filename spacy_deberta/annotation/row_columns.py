"""The schema of the output: what a row has, as plain values."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span
from thinc.api import to_numpy

from spacy_deberta.errors import Errors

from .records import Record

# The extension attribute in which components store the score of a span.
_SCORE = "score"
# What `--fields` can add, and the attributes that each adds to tokens.
TOKEN_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "tokens": (),
    "tags": ("tag", "pos", "morph"),
    "lemmas": ("lemma",),
    "dependencies": ("head", "dep"),
}
SENTENCES = "sentences"
FIELDS = (*TOKEN_ATTRIBUTES, SENTENCES)
ALWAYS = ("id", "text", "ents", "spans", "cats", "error")
RESERVED = (*ALWAYS, "tokens", "sents", "vector")


@dataclass(frozen=True, kw_only=True)
class RowColumns:
    """Which columns a row has, besides `id`, `ents`, `spans`, `cats` and `error`.

    Attributes:
        text: Whether it has the text.
        fields: Names of `FIELDS`.
        vectors: Whether it has the vector of the text.
        keep: Fields of the input.
    """

    text: bool = True
    fields: tuple[str, ...] = ()
    vectors: bool = False
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.fields) - set(FIELDS):
            name = sorted(unknown)[0]
            raise ValueError(Errors.E805.format(name=name, known=", ".join(FIELDS)))
        if taken := set(self.keep) & set(RESERVED):
            name = sorted(taken)[0]
            raise ValueError(Errors.E806.format(name=name, reserved=", ".join(RESERVED)))

    @property
    def names(self) -> list[str]:
        """All columns, in their order."""
        chosen = {
            "text": self.text,
            "tokens": self.token_attributes is not None,
            "sents": SENTENCES in self.fields,
            "vector": self.vectors,
        }
        names = ["id", "text", "ents", "spans", "cats", "tokens", "sents", "vector", *self.keep]
        return [*(name for name in names if chosen.get(name, True)), "error"]

    @property
    def token_attributes(self) -> tuple[str, ...] | None:
        """What each token has, besides its offsets; None if there are no tokens."""
        chosen = [name for name in TOKEN_ATTRIBUTES if name in self.fields]
        if not chosen:
            return None
        return tuple(attribute for name in chosen for attribute in TOKEN_ATTRIBUTES[name])

    def make_row(self, record: Record, doc: Doc, error: str | None) -> dict[str, Any]:
        """Make a row.

        Args:
            record: The row of the input.
            doc: The document; without annotations if there is an error.
            error: Why the text is not annotated; None if it is.

        Returns:
            The columns by their names, in their order.
        """
        row: dict[str, Any] = {"id": record.id}
        if self.text:
            row["text"] = record.text
        row["ents"] = [_span(span, _extension_score(span)) for span in doc.ents]
        row["spans"] = {key: _group(group) for key, group in doc.spans.items()}
        row["cats"] = {label: _number(score) for label, score in doc.cats.items()}
        if self.token_attributes is not None:
            row["tokens"] = _tokens(doc, self.token_attributes)
        if SENTENCES in self.fields:
            sents = doc.sents if doc.has_annotation("SENT_START") else ()
            row["sents"] = [{"start": s.start_char, "end": s.end_char} for s in sents]
        if self.vectors:
            row["vector"] = None if error else _vector(doc)
        row.update((name, record.kept.get(name)) for name in self.keep)
        row["error"] = error
        return row


def _span(span: Span, score: float | None) -> dict[str, Any]:
    return {
        "start": span.start_char,
        "end": span.end_char,
        "label": span.label_,
        "text": span.text,
        "score": score,
    }


def _extension_score(span: Span) -> float | None:
    return _number(span._.get(_SCORE)) if Span.has_extension(_SCORE) else None


def _group(group: Any) -> list[dict[str, Any]]:
    """The spans of a group; span categorizers put the scores of all into its attributes."""
    scores: Iterable[Any] = group.attrs.get("scores", ())
    scores = list(scores)
    if len(scores) != len(group):
        return [_span(span, _extension_score(span)) for span in group]
    return [_span(span, _number(score)) for span, score in zip(group, scores, strict=True)]


def _number(value: Any) -> float | None:
    """A number that JSON has: neither NaN nor infinite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _tokens(doc: Doc, attributes: tuple[str, ...]) -> list[dict[str, Any]]:
    columns: dict[str, list[Any]] = {
        "start": [token.idx for token in doc],
        "end": [token.idx + len(token) for token in doc],
    }
    for name in attributes:
        columns[name] = _attribute(doc, name)
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, values, strict=True)) for values in rows]


def _attribute(doc: Doc, name: str) -> list[Any]:
    """An attribute of all tokens; None where no component has set it."""
    if not doc.has_annotation("DEP" if name == "head" else name.upper()):
        return [None] * len(doc)
    if name == "head":
        return [token.head.i for token in doc]
    if name == "morph":
        return [str(token.morph) for token in doc]
    return [getattr(token, f"{name}_") for token in doc]


def _vector(doc: Doc) -> list[float | None] | None:
    """The vector of a document; None if it has none."""
    vector = np.asarray(to_numpy(doc.vector), dtype=np.float32)
    if not vector.size:
        return None
    values: list[float | None] = vector.tolist()
    return values if np.isfinite(vector).all() else [_number(value) for value in values]

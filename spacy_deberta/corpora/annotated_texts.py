"""Rows as people hold them → texts with spans and categories."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import show

from .annotated_rows import Row

# Fields of spaCy, Prodigy, doccano and tables, by what they hold. "label" and "labels" hold spans
# if their items are lists or objects, and categories if they are strings.
_SPAN_FIELDS = ("entities", "ents", "spans")
_CATEGORY_FIELDS = ("cats", "accept", "category", "categories")
_EITHER_FIELDS = ("label", "labels")
_STARTS = ("start", "start_offset", "start_char")
_ENDS = ("end", "end_offset", "end_char")
_LABELS = ("label", "label_", "type")
# The answers of Prodigy that say that a row is wrong or was skipped.
_NOT_ACCEPTED = ("reject", "ignore")


@dataclass(frozen=True)
class LabelledSpan:
    """A span of characters with a label; `[start, end)`, counted from 0."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class AnnotatedText:
    """A text with what a row says of it.

    Attributes:
        place: The file and line.
        text: The text.
        spans: The spans; None if the row says nothing of spans.
        categories: The categories; None if the row says nothing of them. A category that the row
            names has a number, in most files 1.
    """

    place: str
    text: str
    spans: tuple[LabelledSpan, ...] | None = None
    categories: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Fields:
    """Which fields of a row are read.

    Attributes:
        text: The field of the text.
        labels: Fields of spans or categories; those of spaCy, Prodigy and doccano if empty.
        number_per_category: Fields that are categories themselves, with a number in each row.
        separator: What separates several categories in one string; None for one category.
    """

    text: str = "text"
    labels: tuple[str, ...] = ()
    number_per_category: tuple[str, ...] = ()
    separator: str | None = None


def read_annotations(rows: Iterable[Row], fields: Fields) -> Iterator[AnnotatedText]:
    """Read what rows say of their texts.

    Rows of one span each (`text`, `start`, `end`, `label`) that have the same text are one text.

    Args:
        rows: The rows.
        fields: Which of their fields are read.

    Yields:
        The texts. Rows that were rejected or ignored in Prodigy are left out.

    Raises:
        ValueError: A row has no text, or annotations of another form (E532).
    """
    # The spans of a text may be anywhere in a table.
    tables: dict[str, tuple[str, list[LabelledSpan]]] = {}
    for row in rows:
        text = _get_text(row, fields.text)
        if row.values.get("answer") in _NOT_ACCEPTED:
            continue
        if _is_span(row.values):
            spans = tables.setdefault(text, (row.place, []))[1]
            spans.append(_read_span(row.place, row.values))
        else:
            yield _read_row(row, text, fields)
    for text, (place, spans) in tables.items():
        yield AnnotatedText(place, text, tuple(spans))


def _read_row(row: Row, text: str, fields: Fields) -> AnnotatedText:
    spans: list[LabelledSpan] | None = None
    categories: dict[str, float] | None = None
    names = fields.labels or (*_SPAN_FIELDS, *_CATEGORY_FIELDS, *_EITHER_FIELDS)
    for name in fields.labels:
        if name not in row.values:
            raise _wrong(row, f"it has no field '{name}'")
    for name in names:
        value = _parse(row.values.get(name))
        if value is None:
            continue
        if name in _SPAN_FIELDS or (name not in _CATEGORY_FIELDS and _holds_spans(value)):
            spans = [*(spans or ()), *_read_spans(row, name, value)]
        else:
            found = _read_categories(row, name, value, fields.separator)
            categories = {**(categories or {}), **found}
    for name in fields.number_per_category:
        categories = {**(categories or {}), name: _read_number(row, name)}
    return AnnotatedText(row.place, text, None if spans is None else tuple(spans), categories)


def _get_text(row: Row, name: str) -> str:
    text = row.values.get(name)
    if not isinstance(text, str):
        found = ", ".join(map(str, row.values)) or "none"
        raise _wrong(row, f"it has no text in '{name}'; its fields are: {found}")
    return text


def _parse(value: Any) -> Any:
    """The value of a field; a cell of a table holds lists and objects as JSON."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _holds_spans(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, list | dict) for item in value)


def _is_span(values: Mapping[str, Any]) -> bool:
    """Whether a row is one span itself."""
    has = [any(name in values for name in names) for names in (_STARTS, _ENDS, _LABELS)]
    return all(has)


def _read_spans(row: Row, name: str, value: Any) -> list[LabelledSpan]:
    if not isinstance(value, list):
        raise _wrong(row, f"'{name}' is {show(value)} and no list of spans")
    return [_read_span(row.place, item, name=name) for item in value]


def _read_span(place: str, item: Any, *, name: str = "its span") -> LabelledSpan:
    """[start, end, label], or an object with these."""
    if isinstance(item, list) and len(item) >= 3:
        start, end, label = item[:3]
    elif isinstance(item, Mapping):
        start, end, label = (_first(item, names) for names in (_STARTS, _ENDS, _LABELS))
    else:
        start = end = label = None
    start, end = _to_index(start), _to_index(end)
    if start is None or end is None or not isinstance(label, str) or not label.strip():
        reason = f"{show(item)} in '{name}' is no [start, end, label] or object with these"
        raise ValueError(Errors.E532.format(place=place, reason=reason))
    return LabelledSpan(start, end, label)


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((item[name] for name in names if name in item), None)


def _to_index(value: Any) -> int | None:
    """A whole number; in a table it is text."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_categories(row: Row, name: str, value: Any, separator: str | None) -> dict[str, float]:
    """A category, a list of categories, or an object with a number for each."""
    if isinstance(value, dict):
        return {label: _to_number(row, name, number) for label, number in value.items()}
    if isinstance(value, str):
        value = [value] if separator is None else value.split(separator)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = [str(value)]
    labels = [label.strip() if isinstance(label, str) else label for label in value or ()]
    if not isinstance(value, list) or not all(isinstance(label, str) for label in labels):
        raise _wrong(row, f"'{name}' is {show(value)} and holds no categories")
    return dict.fromkeys((label for label in labels if label), 1.0)


def _read_number(row: Row, name: str) -> float:
    if name not in row.values:
        raise _wrong(row, f"it has no field '{name}'")
    return _to_number(row, name, row.values[name])


def _to_number(row: Row, name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= 1:
        raise _wrong(row, f"{show(value)} in '{name}' is no number from 0 to 1")
    return number


def _wrong(row: Row, reason: str) -> ValueError:
    return ValueError(Errors.E532.format(place=row.place, reason=reason))

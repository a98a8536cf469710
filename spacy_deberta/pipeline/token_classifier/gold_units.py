"""Gold annotation → the gold label of each unit of the predicted document."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from spacy.training import Example

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors

from .label_schemes import LabelScheme
from .units import Units

# The index that the cross entropy ignores.
IGNORED = -100


@dataclass(frozen=True)
class GoldSpans:
    """Non-overlapping spans, on the tokens of the predicted document.

    Attributes:
        spans: Start token, end token and type of each, in the order of the text.
        missing: Tokens without annotation.
    """

    spans: tuple[tuple[int, int, str], ...]
    missing: frozenset[int]


def gold_entities(example: Example) -> GoldSpans | None:
    """The entities of an example, or None if it has no annotation of entities.

    Tokens without annotation, and those of entities that do not align with the tokens of the
    predicted document, are missing.
    """
    entities, tags = example.get_aligned_ents_and_ner()
    missing = frozenset(i for i, tag in enumerate(tags) if tag is None or tag == "-")
    if len(missing) == len(tags):
        return None
    return GoldSpans(
        tuple(sorted((entity.start, entity.end, entity.label_) for entity in entities)), missing
    )


def gold_spans(example: Example, key: str) -> GoldSpans | None:
    """The spans of an example, or None if it has no group of that name.

    Tokens of spans that do not align with the tokens of the predicted document are missing.

    Args:
        example: The example.
        key: Name of the span group in `doc.spans`.

    Raises:
        ValueError: Spans overlap, which one label for each unit can't encode (E631).
    """
    if key not in example.reference.spans:
        return None
    in_order = sorted(example.reference.spans[key], key=lambda span: (span.start, span.end))
    for span, following in pairwise(in_order):
        if following.start < span.end:
            raise ValueError(
                Errors.E631.format(
                    key=key,
                    first=f"'{span.text}' ({span.label_})",
                    second=f"'{following.text}' ({following.label_})",
                )
            )
    spans, missing = [], set()
    for span in in_order:
        aligned = example.get_aligned_spans_y2x([span], allow_overlap=True)
        if aligned:
            spans.append((aligned[0].start, aligned[0].end, span.label_))
        else:
            missing.update(example.alignment.y2x[span.start : span.end].tolist())
    return GoldSpans(tuple(spans), frozenset(missing))


def gold_tags(example: Example) -> list[str | None] | None:
    """The tag of each token of the predicted document, or None if the example has no tags."""
    if not example.reference.has_annotation("TAG"):
        return None
    tags = example.get_aligned("TAG", as_string=True)
    return [tag or None for tag in tags]


def span_types(gold: Iterable[GoldSpans | None]) -> list[str]:
    """All types of spans, in order of occurrence."""
    return list(dict.fromkeys(type_ for one in gold if one for *_, type_ in one.spans))


def label_spans(units: Units, doc: int, gold: GoldSpans | None, scheme: LabelScheme) -> Ints:
    """Label the units of a document by its spans.

    Args:
        units: The units of a batch.
        doc: Index of the document in the batch.
        gold: Its spans; None if it has no annotation.
        scheme: The label scheme of the head.

    Returns:
        For each unit of the document the index of its label, or -100 if it is missing,
        `(units_of_doc,)`. A unit that two spans share belongs to the first.

    Raises:
        ValueError: The head has no label for a span (E632).
    """
    first_tokens, end_tokens = _tokens_of_units(units, doc)
    if gold is None:
        return np.full(len(first_tokens), IGNORED, dtype=np.int64)
    targets = np.full(len(first_tokens), scheme.outside, dtype=np.int64)
    for token in gold.missing:
        targets[(first_tokens <= token) & (token < end_tokens)] = IGNORED
    free = 0
    for start, end, type_ in gold.spans:
        begin = max(free, int(np.searchsorted(end_tokens, start, side="right")))
        free = max(free, int(np.searchsorted(first_tokens, end, side="left")))
        if free > begin:
            targets[begin:free] = scheme.encode(free - begin, type_)
    return targets


def label_tags(
    units: Units,
    doc: int,
    tags: list[str | None] | None,
    labels: tuple[str, ...],
    *,
    component: str,
) -> Ints:
    """Label the units of a document by the tags of its tokens.

    Args:
        units: The units of a batch.
        doc: Index of the document in the batch.
        tags: The tags of its tokens, None for a token without one; None if it has no tags.
        labels: The labels of the head.
        component: Name of the component, for messages.

    Returns:
        For each unit of the document the index of its first token's tag, or -100 if the token has
        none, `(units_of_doc,)`.

    Raises:
        ValueError: The head has no such label (E632).
    """
    index = {label: position for position, label in enumerate(labels)}
    targets = []
    for token in _tokens_of_units(units, doc)[0].tolist():
        tag = tags[token] if tags else None
        if tag is not None and tag not in index:
            raise ValueError(
                Errors.E632.format(
                    missing=f"the tag '{tag}'", labels=", ".join(labels), component=component
                )
            )
        targets.append(IGNORED if tag is None else index[tag])
    return np.array(targets, dtype=np.int64)


def _tokens_of_units(units: Units, doc: int) -> tuple[Ints, Ints]:
    start, end = units.cu_units[doc], units.cu_units[doc + 1]
    return units.first_tokens[start:end], units.end_tokens[start:end]

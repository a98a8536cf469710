"""Encoding and decoding of spans as labels: BIO, BIOES, BILUO and labels without prefix."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from spacy_deberta.errors import Errors

OUTSIDE = "O"
BEGIN, INSIDE, END, SINGLE = "B", "I", "E", "S"
# BILUO has other letters for the end of a span and for a span of a single unit.
_LETTERS = {"B": BEGIN, "I": INSIDE, "E": END, "L": END, "S": SINGLE, "U": SINGLE}
_PREFIXED = re.compile(r"([BIESLU])[-_](.+)", re.DOTALL)
# Replacements of letters that a scheme lacks: in BIO the end of a span is an I.
_STAND_INS = {
    SINGLE: (SINGLE, BEGIN, INSIDE),
    BEGIN: (BEGIN, INSIDE),
    INSIDE: (INSIDE,),
    END: (END, INSIDE),
}


@dataclass(frozen=True)
class UnitSpan:
    """A span of units with a type; `end` is exclusive."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class LabelScheme:
    """The position and type of a span that each label of a head encodes.

    Attributes:
        labels: The labels in the order of the head's outputs.
        places: For each label the position in a span, one of B, I, E, S, and the span's type; or
            `("O", "")`. Labels without prefix are I.
        component: Name of the component, for messages.
    """

    labels: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    component: str

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The types of spans, in the order of the labels."""
        return tuple(dict.fromkeys(type_ for letter, type_ in self.places if letter != OUTSIDE))

    @cached_property
    def outside(self) -> int:
        """Index of the label outside of spans."""
        return self.labels.index(OUTSIDE)

    @cached_property
    def _index(self) -> dict[tuple[str, str], int]:
        # Reversed, so that the first of several labels with the same meaning wins.
        return {place: index for index, place in reversed(list(enumerate(self.places)))}

    def decode(self, labels: Sequence[int]) -> list[UnitSpan]:
        """Decode labels, in any order, to spans.

        Args:
            labels: Indices of the labels of successive units, `(units,)`.

        Returns:
            The spans, in order. B and S start a span; so does I or E of another type, or after the
            end of a span. E and S end a span, and so does the start of the next.

        Source:
            The rule of `conlleval`, the script that scored the shared tasks of CoNLL.
        """
        spans: list[UnitSpan] = []
        start, open_type = 0, None
        for position, label in enumerate(labels):
            letter, type_ = self.places[label]
            if open_type is not None and (letter in (OUTSIDE, BEGIN, SINGLE) or type_ != open_type):
                spans.append(UnitSpan(start, position, open_type))
                open_type = None
            if open_type is None and letter != OUTSIDE:
                start, open_type = position, type_
            if letter in (END, SINGLE):
                spans.append(UnitSpan(start, position + 1, type_))
                open_type = None
        if open_type is not None:
            spans.append(UnitSpan(start, len(labels), open_type))
        return spans

    def encode(self, length: int, type_: str) -> list[int]:
        """Encode a span as labels.

        Args:
            length: Number of units of the span; at least 1.
            type_: Its type.

        Returns:
            Indices of the labels, `(length,)`.

        Raises:
            ValueError: The head has no such label (E632).
        """
        if length == 1:
            return [self._find(SINGLE, type_)]
        inside = [self._find(INSIDE, type_)] * (length - 2) if length > 2 else []
        return [self._find(BEGIN, type_), *inside, self._find(END, type_)]

    def _find(self, letter: str, type_: str) -> int:
        for stand_in in _STAND_INS[letter]:
            index = self._index.get((stand_in, type_))
            if index is not None:
                return index
        raise ValueError(
            Errors.E632.format(
                missing=f"the place {letter} in spans of the type '{type_}'",
                labels=", ".join(self.labels),
                component=self.component,
            )
        )


@lru_cache(maxsize=64)
def find_scheme(labels: tuple[str, ...], *, component: str) -> LabelScheme:
    """Find the label scheme of a head by the names of its labels.

    Args:
        labels: The labels in the order of the head's outputs.
        component: Name of the component, for messages.

    Returns:
        The scheme. A prefix is one of B, I, E, S, L, U, followed by "-" or "_". If no label has the
        prefix B or I, there are no prefixes, only labels that begin like one, such as "E-MAIL".

    Raises:
        ValueError: There is no label "O", only some labels have a prefix, or prefixes of BIOES and
            BILUO are mixed (E630).
    """
    if OUTSIDE not in labels:
        raise _no_scheme(labels, component, "has no label 'O' for what is outside of spans")
    matches = {label: _PREFIXED.fullmatch(label) for label in labels if label != OUTSIDE}
    prefixes = {match[1] for match in matches.values() if match}
    if not prefixes & {"B", "I"}:
        plain = tuple((OUTSIDE, "") if label == OUTSIDE else (INSIDE, label) for label in labels)
        return LabelScheme(labels, plain, component)
    if not all(matches.values()):
        raise _no_scheme(labels, component, "has labels with and without prefix")
    if prefixes & {"E", "S"} and prefixes & {"L", "U"}:
        raise _no_scheme(labels, component, "mixes prefixes of BIOES and of BILUO")
    places = {label: (_LETTERS[match[1]], match[2]) for label, match in matches.items() if match}
    found = tuple(places.get(label, (OUTSIDE, "")) for label in labels)
    return LabelScheme(labels, found, component)


def bio_labels(types: Sequence[str]) -> list[str]:
    """The labels of a new head for spans of these types; none without types."""
    if not types:
        return []
    return [OUTSIDE, *(f"{letter}-{type_}" for type_ in types for letter in (BEGIN, INSIDE))]


def _no_scheme(labels: tuple[str, ...], component: str, reason: str) -> ValueError:
    return ValueError(
        Errors.E630.format(reason=reason, labels=", ".join(labels), component=component)
    )

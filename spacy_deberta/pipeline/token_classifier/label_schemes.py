"""Labels such as B-PER and I-PER ↔ spans: one rule for BIO, BIOES, BILUO and plain labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from spacy_deberta.errors import Errors

OUTSIDE = "O"
BEGIN, INSIDE, END, SINGLE = "B", "I", "E", "S"
# BILUO has other letters for the end of a span and for one of a single unit.
_LETTERS = {"B": BEGIN, "I": INSIDE, "E": END, "L": END, "S": SINGLE, "U": SINGLE}
_PREFIXED = re.compile(r"([BIESLU])[-_](.+)", re.DOTALL)
# What stands in for a letter that a scheme has not: in BIO the end of a span is an I like others.
_STAND_INS = {
    SINGLE: (SINGLE, BEGIN, INSIDE),
    BEGIN: (BEGIN, INSIDE),
    INSIDE: (INSIDE,),
    END: (END, INSIDE),
}


@dataclass(frozen=True)
class Run:
    """A run of units with one type: from `start`, up to and without `end`."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class LabelScheme:
    """What each label of a head says about spans.

    Attributes:
        labels: The labels in the order of the head's outputs.
        places: For each label the place in a span, one of B, I, E, S, and the span's type; or
            `("O", "")`. Plain labels are I.
        component: Name of the component that has the head, for messages.
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
        # Backwards, so that the first of several names for the same stays.
        return {place: index for index, place in reversed(list(enumerate(self.places)))}

    def decode(self, labels: Sequence[int]) -> list[Run]:
        """Read spans from labels, whatever their order.

        Args:
            labels: Indices of the labels of successive units, `(units,)`.

        Returns:
            The spans in their order. B and S start one; so does I or E of another type, or after
            a span has ended. E and S end one, and so does what starts the next.

        Source:
            The rule of `conlleval`, the script that scored the shared tasks of CoNLL.
        """
        runs: list[Run] = []
        start, open_type = 0, None
        for position, label in enumerate(labels):
            letter, type_ = self.places[label]
            if open_type is not None and (letter in (OUTSIDE, BEGIN, SINGLE) or type_ != open_type):
                runs.append(Run(start, position, open_type))
                open_type = None
            if open_type is None and letter != OUTSIDE:
                start, open_type = position, type_
            if letter in (END, SINGLE):
                runs.append(Run(start, position + 1, type_))
                open_type = None
        if open_type is not None:
            runs.append(Run(start, len(labels), open_type))
        return runs

    def encode(self, length: int, type_: str) -> list[int]:
        """Labels of a span, in the scheme that the head has.

        Args:
            length: How many units the span has; at least 1.
            type_: Its type.

        Returns:
            Indices of the labels, `(length,)`.

        Raises:
            ValueError: The head has no label for this (E632).
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
    """Find out what the labels of a head mean, by their names.

    Args:
        labels: In the order of the head's outputs.
        component: Name of the component that has the head, for messages.

    Returns:
        The scheme. A prefix is one of B, I, E, S, L, U, with "-" or "_" behind it. Without a B or
        I among them there are no prefixes, only labels that happen to begin so, such as "E-MAIL".

    Raises:
        ValueError: No label stands for what is outside of spans, some labels have a prefix and
            others none, or prefixes of BIOES and BILUO are mixed (E630).
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

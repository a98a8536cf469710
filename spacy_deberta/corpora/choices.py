"""The extension attributes of multiple choice: `choices`, `right_choice` and `chosen`.

All are plain values, so that they are serialized with `doc.user_data`. Readers and components both
use them; they are defined here.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

from spacy.tokens import Doc

from spacy_deberta.errors import Errors


class Chosen(TypedDict):
    """The prediction of a model.

    index: The choice with the highest score, as an index into `doc._.choices`.
    scores: The score of each choice, from 0 to 1; they sum to 1.
    """

    index: int
    scores: list[float]


for _extension in ("choices", "right_choice", "chosen"):
    if not Doc.has_extension(_extension):
        Doc.set_extension(_extension, default=None)


def check_choices(choices: Any) -> list[str]:
    """Check a list of choices.

    Args:
        choices: A list or tuple of strings.

    Returns:
        The choices as a list.

    Raises:
        ValueError: It is not a list, or an empty one (E651), or a choice is not a text (E653).
    """
    if not isinstance(choices, list | tuple) or not choices:
        raise ValueError(Errors.E651.format(choices=choices))
    for index, choice in enumerate(choices):
        if not is_choice(choice):
            raise ValueError(Errors.E653.format(index=index, choice=choice, choices=choices))
    return list(choices)


def get_choices(doc: Doc) -> list[str] | None:
    """Read `doc._.choices`.

    Args:
        doc: The document.

    Returns:
        The choices as a list (`DocBin` turns it into a tuple), or None if it has none.

    Raises:
        ValueError: They are invalid; see `check_choices`.
    """
    return None if doc._.choices is None else check_choices(doc._.choices)


def get_right_choice(doc: Doc, choices: list[str]) -> int | None:
    """Read `doc._.right_choice`.

    Args:
        doc: The document.
        choices: Its choices.

    Returns:
        The index of the right choice, or None if it is not known.

    Raises:
        ValueError: It is not an index of a choice (E652).
    """
    right = doc._.right_choice
    if right is None:
        return None
    if not is_index(right, choices):
        raise ValueError(
            Errors.E652.format(right=right, last=len(choices) - 1, choices=", ".join(choices))
        )
    return int(right)


def copy_choices(doc: Doc, other: Doc) -> None:
    """Copy the choices of another document, without the right choice.

    Args:
        doc: The document; it keeps its own choices if it has any.
        other: The document with the choices, of the same text.
    """
    choices = get_choices(other)
    if choices is not None and doc._.choices is None:
        doc._.choices = choices


def is_choice(value: Any) -> bool:
    """Whether a value is a string with text in it."""
    return isinstance(value, str) and bool(value.strip())


def is_index(value: Any, choices: Sequence[str]) -> bool:
    """Whether a value is an index of one of the choices."""
    # True and False are integers in Python, but a mistake here.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices)

"""Checks of values that people give, in a config or in a call, with one message for each kind."""

from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

from .catalogue import Coded
from .components import ComponentErrors
from .layers import LayerErrors
from .tokenization import TokenizationErrors


class _Errors(TokenizationErrors, LayerErrors, ComponentErrors, metaclass=Coded):
    """The messages of this file."""


def check_number(
    name: str, value: Any, holds: Callable[[Any], bool], condition: str, *, whole: bool = False
) -> None:
    """Refuse what is no number, such as one in quotes, which a config passes on, or out of range.

    Args:
        name: What the config calls it.
        value: What it is.
        holds: Whether a number is in the range. Not asked about anything else.
        condition: The range in words, such as "at least 1".
        whole: Whether it has to be a whole number.

    Raises:
        ValueError: It is not such a number (E413).
    """
    kind = Integral if whole else Real
    # True and False are numbers to Python, but somebody's mistake here.
    if not isinstance(value, kind) or isinstance(value, bool) or not holds(value):
        wanted = f"a {'whole ' if whole else ''}number, {condition}"
        raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=wanted))


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither true nor false, such as 1 or "true".

    Args:
        name: What the config calls it.
        value: What it is.

    Raises:
        ValueError: It is something else (E413).
    """
    if not isinstance(value, bool):
        condition = "true or false"
        raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=condition))


def check_string(name: str, value: Any, *, optional: bool = False) -> None:
    """Refuse what is no string.

    Args:
        name: What the config calls it.
        value: What it is.
        optional: Whether it may be null.

    Raises:
        ValueError: It is something else (E413).
    """
    if not isinstance(value, str) and not (optional and value is None):
        condition = "a string or null" if optional else "a string"
        raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=condition))


def check_list(name: str, values: Any) -> list[Any]:
    """Refuse a string where a list of strings belongs: it would be cut into its letters.

    Args:
        name: What the config or the function calls them.
        values: A list, a tuple or another iterable.

    Returns:
        What is in it.

    Raises:
        ValueError: It is a string, or can't be iterated (E624).
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(_Errors.E624.format(name=name, found=repr(values)))
    return list(values)


def check_strings(name: str, values: Any) -> list[str]:
    """Refuse what is no list of strings, as `check_list` does, or has something else in it.

    Args:
        name: What the config or the function calls them.
        values: A list, a tuple or another iterable of strings.

    Returns:
        The strings.

    Raises:
        ValueError: It is no list of strings (E624).
    """
    strings = check_list(name, values)
    for value in strings:
        if not isinstance(value, str):
            raise ValueError(_Errors.E624.format(name=name, found=f"a list with {value!r}"))
    return strings


def check_texts(texts: Iterable[str]) -> Iterable[str]:
    """Refuse one text where several belong: it would be cut into its letters.

    Args:
        texts: Any iterable of texts, which may be too many for a list.

    Returns:
        The same.

    Raises:
        ValueError: It is a string (E205).
    """
    if isinstance(texts, str | bytes):
        raise ValueError(_Errors.E205.format(error="got a single string"))
    return texts

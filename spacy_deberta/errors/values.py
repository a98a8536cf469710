"""Checks of values from configs and calls, with one message for each kind of value."""

import os
from collections.abc import Callable, Iterable, Mapping
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
    """Check that a value is a number in a range. A config may pass one in quotes, for example.

    Args:
        name: The name of the setting.
        value: The value.
        holds: Whether a number is in the range. Called with numbers only.
        condition: The range in words, such as "at least 1".
        whole: Whether it has to be a whole number. Arrays hold those of 64 bits, so that larger
            ones are refused.

    Raises:
        ValueError: It is not such a number (E413).
    """
    kind = Integral if whole else Real
    # True and False are numbers in Python, but a mistake here.
    if not isinstance(value, kind) or isinstance(value, bool) or not holds(value):
        wanted = f"a {'whole ' if whole else ''}number, {condition}"
    elif whole and not _fits_64_bits(value):
        wanted = "a number of 64 bits"
    else:
        return
    raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=wanted))


def _fits_64_bits(number: Any) -> bool:
    return -(2**63) <= number < 2**63


def check_flag(name: str, value: Any, *, optional: bool = False) -> None:
    """Check that a value is a boolean, not 1 or "true".

    Args:
        name: The name of the setting.
        value: The value.
        optional: Whether it may be null.

    Raises:
        ValueError: It is not a boolean (E413).
    """
    if not isinstance(value, bool) and not (optional and value is None):
        condition = "true, false or null" if optional else "true or false"
        raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=condition))


def check_string(name: str, value: Any, *, optional: bool = False) -> None:
    """Check that a value is a string.

    Args:
        name: The name of the setting.
        value: The value.
        optional: Whether it may be null.

    Raises:
        ValueError: It is not a string (E413).
    """
    if not isinstance(value, str) and not (optional and value is None):
        condition = "a string or null" if optional else "a string"
        raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=condition))


def check_path(name: str, value: Any, *, optional: bool = False) -> None:
    """Check that a value is a path, or a name in its place.

    Args:
        name: The name of the argument.
        value: The value.
        optional: Whether it may be None.

    Raises:
        ValueError: It is neither a string nor a path of `pathlib` (E413).
    """
    if isinstance(value, str | os.PathLike) or (optional and value is None):
        return
    condition = f"a string or a pathlib.Path{', or None' if optional else ''}"
    raise ValueError(_Errors.E413.format(name=name, value=repr(value), condition=condition))


def check_list(name: str, values: Any) -> list[Any]:
    """Check that a value is iterable and not a string, which would be split into characters.

    Args:
        name: The name of the setting or argument.
        values: A list, a tuple or another iterable.

    Returns:
        The items, as a list.

    Raises:
        ValueError: It is a string, or not iterable (E624).
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(_Errors.E624.format(name=name, found=repr(values)))
    return list(values)


def check_strings(name: str, values: Any) -> list[str]:
    """Check that a value is an iterable of strings.

    Args:
        name: The name of the setting or argument.
        values: A list, a tuple or another iterable of strings.

    Returns:
        The strings, as a list.

    Raises:
        ValueError: It is not an iterable of strings (E624).
    """
    strings = check_list(name, values)
    for value in strings:
        if not isinstance(value, str):
            raise ValueError(_Errors.E624.format(name=name, found=f"a list with {value!r}"))
    return strings


def check_texts(texts: Iterable[str]) -> Iterable[str]:
    """Check that texts are iterable and not a string, which would be split into characters.

    Args:
        texts: An iterable of texts, which is not consumed.

    Returns:
        The same iterable.

    Raises:
        ValueError: It is a string, or not iterable (E205).
    """
    if isinstance(texts, str | bytes):
        raise ValueError(_Errors.E205.format(error="got a single string"))
    if isinstance(texts, Mapping) or not isinstance(texts, Iterable):
        raise ValueError(_Errors.E205.format(error=f"got one {type(texts).__name__}"))
    return texts

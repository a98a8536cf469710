"""Values of a config that is not interpolated: each may be a variable, or null."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from spacy_deberta.errors import Errors
from spacy_deberta.typed_json import show

# As in thinc: "${section.subsection:setting}", or with a dot in place of the colon.
_VARIABLE = re.compile(r"\$\{([\w.:]+)\}")
# A variable may refer to another one, or in a faulty config to itself.
_MAX_STEPS = 16
_MAX_LENGTH = 10_000


def resolve(config: Mapping[str, Any], value: Any) -> Any:
    """Replace variables by what they refer to.

    Args:
        config: The config, not interpolated.
        value: A value in it.

    Returns:
        The value, or the section, of the variable; strings with variables in them are filled in.
        Variables that refer to nothing stay as they are.
    """
    for _ in range(_MAX_STEPS):
        if not isinstance(value, str) or len(value) > _MAX_LENGTH:
            return value
        variable = _VARIABLE.fullmatch(value)
        before = value
        if variable:
            value = _look_up(config, variable)
        else:
            value = _VARIABLE.sub(lambda found: str(_look_up(config, found)), _unquoted(value))
        if value == before:
            return value
    return value


def get_section(config: Mapping[str, Any], value: Any, place: str) -> dict[str, Any]:
    """The section that a value is or refers to.

    Args:
        config: The config, not interpolated.
        value: The value.
        place: Its dotted name, for the error.

    Returns:
        The section itself, not a copy; a new, empty one for null.

    Raises:
        ValueError: It is something else (E514).
    """
    found = resolve(config, value)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(Errors.E514.format(place=place, found=show(value), expected="a section"))
    return found


def is_set(config: Mapping[str, Any], value: Any) -> bool:
    """Whether a flag is true.

    Args:
        config: The config, not interpolated.
        value: The flag.

    Returns:
        False also for variables that refer to nothing.
    """
    found = resolve(config, value)
    return bool(found) and not isinstance(found, str)


def _look_up(config: Mapping[str, Any], variable: re.Match[str]) -> Any:
    value: Any = config
    for key in re.split("[.:]", variable[1]):
        if not isinstance(value, Mapping) or key not in value:
            return variable[0]
        value = value[key]
    return value


def _unquoted(value: str) -> str:
    """A string with variables in it, which thinc keeps as it is in the file."""
    with suppress(ValueError):
        found = json.loads(value)
        return found if isinstance(found, str) else value
    return value

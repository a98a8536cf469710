"""Validation of settings from a config, with one message for all."""

from spacy_deberta.errors import Errors

# The component's name in messages of models without `name_component`.
ANY_COMPONENT = "*"


def check_setting(good: bool, name: str, value: object, condition: str) -> None:
    """Refuse a setting that is out of its range.

    Args:
        good: Whether it is in its range.
        name: Its name in the config.
        value: Its value.
        condition: The valid range; completes "must be".

    Raises:
        ValueError: The setting is out of its range (E413).
    """
    if not good:
        raise ValueError(Errors.E413.format(name=name, value=value, condition=condition))


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of the valid choices.

    Args:
        name: Its name in the config.
        value: Its value.
        known: The valid values.

    Raises:
        ValueError: The value is not valid (E413).
    """
    check_setting(value in known, name, f"'{value}'", f"one of: {', '.join(known)}")

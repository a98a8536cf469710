"""Checks of settings that a config gives, with one message for all."""

from spacy_deberta.errors import Errors

# Stands for the name of a component in messages of models that nobody has told it.
ANY_COMPONENT = "*"


def check_setting(good: bool, name: str, value: object, condition: str) -> None:
    """Refuse a setting that is out of its range.

    Args:
        good: Whether it is in its range.
        name: What the config calls it.
        value: What it is.
        condition: What it has to be, to stand after "must be".

    Raises:
        ValueError: The setting is not good (E413).
    """
    if not good:
        raise ValueError(Errors.E413.format(name=name, value=value, condition=condition))


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a setting that is none of the known ones.

    Args:
        name: What the config calls it.
        value: What it is.
        known: What it can be.

    Raises:
        ValueError: The setting is not known (E413).
    """
    check_setting(value in known, name, f"'{value}'", f"one of: {', '.join(known)}")

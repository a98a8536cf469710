"""Labels that people give to components."""

from typing import Any

from spacy_deberta.errors import Errors, check_strings


def check_labels(labels: Any) -> list[str]:
    """Refuse labels that no scores can be given for, each its own.

    Args:
        labels: A list of strings, or another iterable of them.

    Returns:
        The labels in their order.

    Raises:
        ValueError: It is no list of strings (E624), or one of them is there twice (E625).
    """
    checked = check_strings("labels", labels)
    for label in checked:
        if checked.count(label) > 1:
            raise ValueError(Errors.E625.format(name="labels", label=label))
    return checked

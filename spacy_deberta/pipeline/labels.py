"""Check of the labels that users give to components."""

from typing import Any

from spacy_deberta.errors import Errors, check_strings


def check_labels(labels: Any) -> list[str]:
    """Check that labels are strings with a name each, without duplicates.

    Args:
        labels: A list of strings, or another iterable of them.

    Returns:
        The labels, in order.

    Raises:
        ValueError: It is not a list of strings (E624), or has a duplicate (E625) or an empty label
            (E627).
    """
    checked = check_strings("labels", labels)
    for label in checked:
        if not label.strip():
            raise ValueError(Errors.E627.format(name="labels", label=label))
        if checked.count(label) > 1:
            raise ValueError(Errors.E625.format(name="labels", label=label))
    return checked

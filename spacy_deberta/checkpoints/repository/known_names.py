"""Known checkpoints, and the most similar name to a typo."""

from difflib import get_close_matches

from .embedded import embedded_names

OFFICIAL_NAMES = (
    "microsoft/deberta-v2-xlarge",
    "microsoft/deberta-v2-xlarge-mnli",
    "microsoft/deberta-v2-xxlarge",
    "microsoft/deberta-v2-xxlarge-mnli",
    "microsoft/deberta-v3-xsmall",
    "microsoft/deberta-v3-small",
    "microsoft/deberta-v3-base",
    "microsoft/deberta-v3-large",
    "microsoft/mdeberta-v3-base",
)
# Minimum similarity of a name and a known one. "deberta-v3-tiny" is not a typo.
_SIMILAR = 0.85


def describe_alternatives(name: str) -> str:
    """Suggest alternatives to an unknown name, for a message.

    Args:
        name: What was asked for.

    Returns:
        Sentences with a trailing space: the nearest known name, if there is one and the name is not
        known itself, and the checkpoints that need no network.
    """
    embedded = ", ".join(f"'{known}'" for known in embedded_names())
    comes_with = f"With this package comes {embedded}, which needs no network. "
    nearest = nearest_name(name)
    return f"Did you mean '{nearest}'? {comes_with}" if nearest else comes_with


def nearest_name(name: str) -> str | None:
    """The known name that is most similar to an unknown one.

    Args:
        name: What was asked for, with or without the owner.

    Returns:
        A name; None if the name is known, or not similar to any known one.
    """
    known = [*embedded_names(), *OFFICIAL_NAMES]
    if name in known:
        return None
    by_spelling = {spelling: full for full in known for spelling in (full, full.partition("/")[2])}
    spellings = [spelling for spelling in by_spelling if spelling]
    found = get_close_matches(name.lower(), spellings, n=1, cutoff=_SIMILAR)
    return by_spelling[found[0]] if found else None

"""Lists of names in messages."""

# Maximum number of names in a message.
NAMES_SHOWN = 5


def list_names(names: list[str] | tuple[str, ...], *, sep: str = ", ") -> str:
    """The first names of a list and the number of the others, for a message."""
    shown = sep.join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown

"""Lists of names in messages."""

# An error lists this many names and says how many more there are.
NAMES_SHOWN = 5


def list_names(names: list[str] | tuple[str, ...], *, sep: str = ", ") -> str:
    """The first names of a list, and how many more there are, for a message."""
    shown = sep.join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown

"""One pattern that finds any of many strings, the longest of those that begin at a place."""

import os.path
import re
from collections.abc import Iterable
from itertools import groupby

# Below so many branchings, alternatives are listed one by one: `re` compiles groups recursively.
_MOST_BRANCHINGS = 24


def any_of(strings: Iterable[str]) -> re.Pattern[str]:
    """Compile a pattern that takes a few steps at every character, however many strings there are.

    Args:
        strings: What to find; empty ones are left out.

    Returns:
        The pattern. It matches nothing where there are no strings.
    """
    ordered = sorted({string for string in strings if string})
    return re.compile(_alternatives(ordered, 0) if ordered else "(?!)")


def _alternatives(ordered: list[str], branchings: int) -> str:
    """Write sorted strings as a pattern; an empty one among them comes first, and is tried last."""
    if branchings == _MOST_BRANCHINGS:
        return _group(map(re.escape, sorted(ordered, key=len, reverse=True)))
    branches = []
    for _, group in groupby(filter(None, ordered), key=lambda string: string[0]):
        same_start = list(group)
        prefix = os.path.commonprefix(same_start)  # noqa: RUF071 (characters are meant)
        rests = [string[len(prefix) :] for string in same_start]
        tail = _alternatives(rests, branchings + 1) if len(rests) > 1 else ""
        branches.append(re.escape(prefix) + tail)
    return _group([*branches, ""] if not ordered[0] else branches)


def _group(branches: Iterable[str]) -> str:
    return f"(?:{'|'.join(branches)})"

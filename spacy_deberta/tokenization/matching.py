"""One regular expression for many strings: the longest match at a position wins."""

import os.path
import re
from collections.abc import Iterable
from itertools import groupby

# Maximum depth of the prefix tree: `re` compiles nested groups recursively. Below it, alternatives
# are listed one by one.
_MAX_BRANCHINGS = 24


def any_of(strings: Iterable[str]) -> re.Pattern[str]:
    """Compile a prefix tree, which takes a few steps at every character for any number of strings.

    Args:
        strings: The strings to find; empty ones are ignored.

    Returns:
        The pattern. It matches nothing if there are no strings.
    """
    ordered = sorted({string for string in strings if string})
    return re.compile(_alternatives(ordered, 0) if ordered else "(?!)")


def _alternatives(ordered: list[str], branchings: int) -> str:
    """Write sorted strings as a pattern; an empty one among them comes first, and is tried last."""
    if branchings == _MAX_BRANCHINGS:
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

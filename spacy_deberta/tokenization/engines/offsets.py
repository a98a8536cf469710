"""From the offsets of the tokenizers library to the characters that a piece stands for.

The library counts the space before a word among the characters of its first piece, gives the piece
of a space that it puts in front the first character of the text, leaves out what a normalizer
merged into the character before (the accent of "e" + U+0301), and gives all bytes of a run of
unknown characters the whole run.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.tokenization.piece_text import SPACE

# Unicode's property White_Space, which is what the library strips. Python's `isspace` has U+001C to
# U+001F too.
WHITE_SPACE = np.array(
    [
        *(*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)),
        *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
    ],
    dtype=np.uint32,
)
# Stands around a character whose normalization is in question.
_FENCE = "x"
_SOLID, _SPACE, _DELETED = 1, 2, 3


class CharacterFates:
    """What a normalizer makes of single characters.

    Args:
        normalize: Gives the normalized text.
        space: How pieces write a space.
    """

    def __init__(self, normalize: Callable[[str], str], *, space: str = SPACE) -> None:
        self._normalize = normalize
        self._space = space
        # 0: not asked yet. Filled as characters turn up. Threads may write the same value twice,
        # which is harmless.
        self._fates = np.zeros(0x110000, dtype=np.uint8)

    def vanish(self, characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Which characters become whitespace or nothing. *Shape:* `(characters,)`, bool."""
        return self._of(characters) != _SOLID

    def are_deleted(self, characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Which characters become nothing. *Shape:* `(characters,)`, bool."""
        return self._of(characters) == _DELETED

    def _of(self, characters: NDArray[np.uint32]) -> NDArray[np.uint8]:
        fates = self._fates[characters]
        if not fates.all():
            for point in np.unique(characters[fates == 0]).tolist():
                self._fates[point] = self._ask(chr(point))
            fates = self._fates[characters]
        return fates

    def _ask(self, character: str) -> int:
        fenced = self._normalize(f"{_FENCE}{character}{_FENCE}")
        fenced = fenced.lstrip(self._space + " ")
        if not (len(fenced) > 1 and fenced.startswith(_FENCE) and fenced.endswith(_FENCE)):
            return _SOLID
        inside = fenced[1:-1]
        if not inside:
            return _DELETED
        return _SOLID if inside.replace(self._space, " ").strip() else _SPACE


def trim_offsets(
    starts: Ints,
    ends: Ints,
    cu_pieces: Ints,
    *,
    vanish: NDArray[np.bool_],
    deleted: NDArray[np.bool_],
    cu_characters: Ints,
    are_spaces: NDArray[np.bool_],
    are_added: NDArray[np.bool_],
) -> tuple[Ints, Ints]:
    """Find the characters that pieces stand for.

    Args:
        starts: First character of every piece in its own text, as the library says. They do not
            decrease within a text. *Shape:* `(pieces,)`, int64.
        ends: One past the last. *Shape:* `(pieces,)`, int64.
        cu_pieces: Boundaries of the texts in pieces. *Shape:* `(texts + 1,)`, int64.
        vanish: Which characters of all texts become whitespace or nothing.
            *Shape:* `(total_characters,)`, bool.
        deleted: Which of them become nothing. Same shape.
        cu_characters: Boundaries of the texts in characters. *Shape:* `(texts + 1,)`, int64.
        are_spaces: Which pieces are nothing but space. *Shape:* `(pieces,)`, bool.
        are_added: Which are added tokens. *Shape:* `(pieces,)`, bool.

    Returns:
        Starts and ends as in `Pieces`. *Shape:* `(pieces,)` each, int64.
    """
    counts = np.diff(cu_pieces)
    text_starts = np.repeat(cu_characters[:-1], counts)
    text_ends = np.repeat(cu_characters[1:], counts)
    starts, ends = starts + text_starts, ends + text_starts

    total = len(vanish)
    places = np.arange(total, dtype=np.int64)
    next_solid = np.minimum.accumulate(np.where(vanish, total, places)[::-1])[::-1]
    next_solid = np.append(next_solid, total)
    last_solid = np.maximum.accumulate(np.where(vanish, -1, places))

    trimmed = np.minimum(next_solid[starts], text_ends)
    is_solid = ~are_spaces & (trimmed < ends)
    # What lies before the next piece belongs to the piece before, such as a merged accent.
    following = np.searchsorted(starts, ends, side="left")
    limits = np.minimum(np.append(starts, total)[following], text_ends)
    limits = np.where(are_added, ends, limits)
    trimmed_ends = trimmed.copy()
    trimmed_ends[is_solid] = last_solid[limits[is_solid] - 1] + 1

    # "¯" becomes a space and a macron, and the library says that the latter comes from the next
    # character if that is deleted.
    moved = np.flatnonzero(~are_spaces & (starts < ends))
    moved = moved[deleted[starts[moved]]]
    before = last_solid[starts[moved]]
    moved, before = moved[before >= text_starts[moved]], before[before >= text_starts[moved]]
    last = np.where(is_solid[moved], trimmed_ends[moved], before + 1)
    trimmed[moved], trimmed_ends[moved], is_solid[moved] = before, last, True

    # What no piece before has, such as a mark that the library takes for a part of a space.
    covered = np.maximum.accumulate(np.where(is_solid, trimmed_ends, 0))
    covered = np.maximum(np.append(0, covered)[:-1], text_starts)
    first = np.where(is_solid & ~are_added, next_solid[covered], total)
    trimmed = np.minimum(trimmed, first)

    # A token of nothing but whitespace has characters, too.
    blank = are_added & ~is_solid
    trimmed[blank], trimmed_ends[blank], is_solid[blank] = starts[blank], ends[blank], True
    following = np.minimum.accumulate(trimmed[::-1])[::-1]
    trimmed[~is_solid] = trimmed_ends[~is_solid] = following[~is_solid]
    return trimmed - text_starts, trimmed_ends - text_starts


def shift_after_deletions(
    starts: Ints,
    ends: Ints,
    *,
    deleted: NDArray[np.bool_],
    stripped: NDArray[np.bool_],
    are_bounds: NDArray[np.bool_],
) -> None:
    """Correct the offsets of one text, in place.

    The `Precompiled` normalizer of the library does not count the characters that it deletes at the
    start of what it is given, which is a text or what follows an added token: all places in it are
    too low by their number.

    Args:
        starts: First character of every piece. *Shape:* `(pieces,)`, int64.
        ends: One past the last. *Shape:* `(pieces,)`, int64.
        deleted: Which characters of the text are deleted. *Shape:* `(characters,)`, bool.
        stripped: Which characters are stripped before, if they stand first. Same shape.
        are_bounds: Which pieces are added tokens that are found in the text as given, so that
            their places are right. *Shape:* `(pieces,)`, bool.
    """
    bounds = [-1, *np.flatnonzero(are_bounds).tolist(), len(starts)]
    for before, after in pairwise(bounds):
        place = int(ends[before]) if before >= 0 else 0
        limit = int(starts[after]) if after < len(starts) else len(deleted)
        while place < limit and stripped[place]:
            place += 1
        first = place
        while place < limit and deleted[place]:
            place += 1
        inside = slice(before + 1, after)
        starts[inside] = np.minimum(starts[inside] + place - first, limit)
        ends[inside] = np.minimum(ends[inside] + place - first, limit)


def spread_bytes(
    starts: Ints,
    ends: Ints,
    raw_starts: Ints,
    *,
    are_bytes: NDArray[np.bool_],
    continue_character: NDArray[np.bool_],
    vanish: NDArray[np.bool_],
    text_starts: Ints,
) -> None:
    """Give every byte of a run of unknown characters its own character, in place.

    Args:
        starts: First character of every piece in its own text. *Shape:* `(pieces,)`, int64.
        ends: One past the last. *Shape:* `(pieces,)`, int64.
        raw_starts: As the library says, which tells one run from the next. Same shape.
        are_bytes: Which pieces are bytes. Same shape, bool.
        continue_character: Which pieces are later bytes of a character in UTF-8. Same shape, bool.
        vanish: As in `trim_offsets`.
        text_starts: First character of the text of every piece, over all texts. Same shape, int64.
    """
    rows = np.flatnonzero(are_bytes)
    keys = np.stack([text_starts[rows], raw_starts[rows], rows - np.arange(len(rows))])
    changes = np.flatnonzero((np.diff(keys) != 0).any(axis=0)) + 1
    for run in np.split(rows, changes):
        if not len(run):
            continue
        first, last = int(starts[run[0]]), int(ends[run[0]])
        base = int(text_starts[run[0]])
        characters = first + np.flatnonzero(~vanish[base + first : base + last])
        owner = cumulative((~continue_character[run]).astype(np.int64))[1:] - 1
        # Where a normalizer made more or fewer characters, the bytes keep the whole run.
        if len(owner) and owner[0] == 0 and owner[-1] == len(characters) - 1:
            starts[run] = characters[owner]
            ends[run] = characters[owner] + 1

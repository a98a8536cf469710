"""Corrects the offsets of the tokenizers library to the characters that each piece encodes.

The library's offsets differ in four ways. The first piece of a word includes the space before it.
The piece of a prepended space gets the first character of the text. Characters that a normalizer
merged into the character before (the accent of "e" + U+0301) are left out. All byte pieces of a run
of unknown characters get the offsets of the run.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.tokenization.piece_text import SPACE

# Unicode's property White_Space, which the library strips. Python's `isspace` is also true for
# U+001C to U+001F.
WHITE_SPACE = np.array(
    [
        *(*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)),
        *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
    ],
    dtype=np.uint32,
)
# Placed around a character to normalize it in a fixed context.
_FENCE = "x"
_SOLID, _SPACE, _DELETED = 1, 2, 3


class CharacterFates:
    """Classifies characters by their normalization: to text, to whitespace, or deleted.

    Args:
        normalize: Normalizes a text.
        space: The character for a space in pieces.
    """

    def __init__(self, normalize: Callable[[str], str], *, space: str = SPACE) -> None:
        self._normalize = normalize
        self._space = space
        # A lazily filled cache; 0 for characters that are not in it. Threads may write the same
        # value twice, which is harmless.
        self._fates = np.zeros(0x110000, dtype=np.uint8)

    def vanish(self, characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Mask of characters that become whitespace or are deleted, `(characters,)`, bool."""
        return self._of(characters) != _SOLID

    def are_deleted(self, characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Mask of characters that are deleted, `(characters,)`, bool."""
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
    """Compute the offsets of the characters that each piece encodes.

    Args:
        starts: The library's start offset of each piece in its text. Start offsets do not decrease
            within a text. *Shape:* `(pieces,)`, int64.
        ends: The library's end offset of each piece. *Shape:* `(pieces,)`, int64.
        cu_pieces: Boundaries of the texts in pieces. *Shape:* `(texts + 1,)`, int64.
        vanish: Mask of the characters that become whitespace or are deleted.
            *Shape:* `(total_characters,)`, bool.
        deleted: Mask of the characters that are deleted. Same shape.
        cu_characters: Boundaries of the texts in characters. *Shape:* `(texts + 1,)`, int64.
        are_spaces: Mask of pieces that are only a space. *Shape:* `(pieces,)`, bool.
        are_added: Mask of added tokens. *Shape:* `(pieces,)`, bool.

    Returns:
        Start and end offsets as in `Pieces`. *Shape:* `(pieces,)` each, int64.
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
    # Characters up to the next piece belong to the piece before, such as a merged accent.
    following = np.searchsorted(starts, ends, side="left")
    limits = np.minimum(np.append(starts, total)[following], text_ends)
    limits = np.where(are_added, ends, limits)
    trimmed_ends = trimmed.copy()
    trimmed_ends[is_solid] = last_solid[limits[is_solid] - 1] + 1

    # "¯" becomes a space and a macron. If the next character is deleted, the library gives the
    # macron the offsets of that character.
    moved = np.flatnonzero(~are_spaces & (starts < ends))
    moved = moved[deleted[starts[moved]]]
    before = last_solid[starts[moved]]
    moved, before = moved[before >= text_starts[moved]], before[before >= text_starts[moved]]
    last = np.where(is_solid[moved], trimmed_ends[moved], before + 1)
    trimmed[moved], trimmed_ends[moved], is_solid[moved] = before, last, True

    # Characters that no earlier piece covers, such as a mark that the library counts as a part of a
    # space, belong to the next piece.
    covered = np.maximum.accumulate(np.where(is_solid, trimmed_ends, 0))
    covered = np.maximum(np.append(0, covered)[:-1], text_starts)
    first = np.where(is_solid & ~are_added, next_solid[covered], total)
    trimmed = np.minimum(trimmed, first)

    # An added token of only whitespace keeps its characters.
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
    """Correct the offsets of one text for deleted leading characters, in place.

    The library's `Precompiled` normalizer does not count the characters that it deletes at the
    start of its input, which is a text or the segment after an added token. All offsets in the
    segment are too low by that number.

    Args:
        starts: Start offset of each piece. *Shape:* `(pieces,)`, int64.
        ends: End offset of each piece. *Shape:* `(pieces,)`, int64.
        deleted: Mask of the characters that are deleted. *Shape:* `(characters,)`, bool.
        stripped: Mask of the characters that are stripped before at the start. Same shape.
        are_bounds: Mask of added tokens that are found in the original text, whose offsets are
            correct. *Shape:* `(pieces,)`, bool.
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
    """Set the offsets of each byte piece to its character, in place.

    Args:
        starts: Start offset of each piece in its text. *Shape:* `(pieces,)`, int64.
        ends: End offset of each piece. *Shape:* `(pieces,)`, int64.
        raw_starts: The library's start offsets, which differ between runs. Same shape.
        are_bytes: Mask of byte pieces. Same shape, bool.
        continue_character: Mask of UTF-8 continuation bytes. Same shape, bool.
        vanish: As in `trim_offsets`.
        text_starts: Offset of each piece's text in the concatenated texts. Same shape, int64.
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
        # If a normalizer changed the number of characters, the bytes keep the offsets of the run.
        if len(owner) and owner[0] == 0 and owner[-1] == len(characters) - 1:
            starts[run] = characters[owner]
            ends[run] = characters[owner] + 1

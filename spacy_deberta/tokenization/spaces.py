"""Alignment of texts in which normalization changes spaces only.

This is most of ordinary text. Its offsets are computed without the normalizer, which adds a space
in front, collapses whitespace to one space, and removes it at both ends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints, cumulative, expand_ranges

from .piece_text import SPACE

_SPACE_POINT = np.uint32(ord(SPACE))
# By code point: whether a normalizer may write it as a space. The last entry is for all others.
_MAY_BE_SPACE = np.zeros(0xA2, dtype=bool)
_MAY_BE_SPACE[[ord(c) for c in " \n\r\t\xa0"]] = True


@dataclass(frozen=True, eq=False)
class CollapsedSpaces:
    """Packed texts without the whitespace that a normalizer usually removes.

    Args:
        characters: Code points of the collapsed texts. *Shape:* `(total_kept,)`, uint32.
        places: Their indices in the packed original texts. *Shape:* `(total_kept,)`, int64.
        cu_kept: Boundaries of the collapsed texts. *Shape:* `(texts + 1,)`, int64.
        cu_characters: Boundaries of the original texts. *Shape:* `(texts + 1,)`, int64.
    """

    characters: NDArray[np.uint32]
    places: Ints
    cu_kept: Ints
    cu_characters: Ints

    @property
    def are_shorter(self) -> NDArray[np.bool_]:
        """Whether a text has fewer characters than the original. *Shape:* `(texts,)`, bool."""
        return np.diff(self.cu_kept) < np.diff(self.cu_characters)

    def are_unchanged(self, rows: NDArray[np.uint32], cu_rows: Ints) -> NDArray[np.bool_]:
        """Find the texts in which normalization changed spaces only.

        Args:
            rows: Code points of the normalized texts, packed. *Shape:* `(total_rows,)`, uint32.
            cu_rows: Boundaries of the texts in `rows`. *Shape:* `(texts + 1,)`, int64.

        Returns:
            Whether row `j` of a text is its character `j - 1`, for all rows. *Shape:* `(texts,)`,
            bool.
        """
        lengths = np.diff(self.cu_kept)
        unchanged = np.diff(cu_rows) == lengths + 1
        unchanged[unchanged] = rows[cu_rows[:-1][unchanged]] == _SPACE_POINT
        if unchanged.all():
            before = self.characters
            after = np.delete(rows, cu_rows[:-1])
        else:
            before = self.characters[
                expand_ranges(self.cu_kept[:-1][unchanged], lengths[unchanged])
            ]
            after = rows[expand_ranges(cu_rows[:-1][unchanged] + 1, lengths[unchanged])]
        differing = np.flatnonzero(before != after)
        if len(differing):
            became_space = _may_be_space(before[differing]) & (after[differing] == _SPACE_POINT)
            differing = differing[~became_space]
            candidates = np.flatnonzero(unchanged)
            bounds = cumulative(lengths[unchanged])
            unchanged[candidates[np.searchsorted(bounds, differing, side="right") - 1]] = False
        return unchanged

    def origins(self, texts: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """Map character offsets in the collapsed texts to offsets in the original texts.

        Args:
            texts: Index of the text of every piece. *Shape:* `(pieces,)`, int64.
            starts: First character of every piece. *Shape:* `(pieces,)`, int64.
            ends: One past the last character; equal to `starts` for a whitespace piece, which is
                never the last of a text. *Shape:* `(pieces,)`, int64.

        Returns:
            Starts and ends in the original texts. *Shape:* `(pieces,)` each, int64.
        """
        first, base = self.cu_kept[texts], self.cu_characters[texts]
        last = np.maximum(ends - 1, starts)
        is_solid = ends > starts
        return self.places[starts + first] - base, self.places[last + first] - base + is_solid


def collapse_spaces(characters: NDArray[np.uint32], cu_characters: Ints) -> CollapsedSpaces:
    """Remove whitespace at both ends of texts and after other whitespace.

    Args:
        characters: Code points of the texts, packed. *Shape:* `(total_characters,)`, uint32.
        cu_characters: Boundaries of the texts in `characters`. *Shape:* `(texts + 1,)`, int64.

    Returns:
        The collapsed texts.
    """
    is_space = _may_be_space(characters)
    keep = np.ones(len(characters), dtype=bool)
    np.logical_not(is_space[1:] & is_space[:-1], out=keep[1:])
    firsts = cu_characters[:-1][np.diff(cu_characters) > 0]
    keep[firsts] = ~is_space[firsts]
    places = np.flatnonzero(keep)
    cu_kept = np.searchsorted(places, cu_characters)
    # One of the spaces at the end of a text is still there.
    lasts = cu_kept[1:][np.diff(cu_kept) > 0] - 1
    lasts = lasts[is_space[places[lasts]]]
    if len(lasts):
        places = np.delete(places, lasts)
        cu_kept = np.searchsorted(places, cu_characters)
    return CollapsedSpaces(characters[places], places, cu_kept, cu_characters)


def _may_be_space(characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return _MAY_BE_SPACE[np.minimum(characters, len(_MAY_BE_SPACE) - 1)]

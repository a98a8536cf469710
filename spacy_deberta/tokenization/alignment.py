"""Character offsets in the original text for pieces of the normalized text.

SentencePiece normalizes a text and cuts the result into pieces, which joined together are the
normalized text. So a piece is a range of rows (normalized characters), found as a cumulative sum
of widths. What remains to be found is the original character of each row.
"""

from collections.abc import Callable
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.errors import Errors

from .piece_text import SPACES, code_points

_SPACE_POINTS = code_points(SPACES)

Normalize = Callable[[str], tuple[str, list[int]]]


class Origins:
    """Maps the rows of normalized texts to characters of the original texts.

    Args:
        normalize: Returns the normalized text and, for every row of it and for its end, the
            original character.
    """

    def __init__(self, normalize: Normalize) -> None:
        self._normalize = normalize
        # A cache by code point. 0: unknown; 1: normalized to something that is not a space;
        # 2: removed, or normalized to a space (whitespace, control characters).
        # Threads may write the same value twice, which is harmless.
        self._kinds = np.zeros(0x110000, dtype=np.uint8)

    def align(
        self,
        texts: list[str],
        cu_rows: Ints,
        firsts: Ints,
        lasts: Ints,
        cu_pieces: Ints,
    ) -> tuple[Ints, Ints]:
        """Find the character offsets of pieces.

        Args:
            texts: The original texts.
            cu_rows: Boundaries of the texts in rows. *Shape:* `(texts + 1,)`, int64.
            firsts: First row of every piece that is not a space, counted over all texts; one past
                the last row for a whitespace piece. *Shape:* `(pieces,)`, int64.
            lasts: One past the last row of every piece that is not a space; not above `firsts` for
                a whitespace piece. *Shape:* `(pieces,)`, int64.
            cu_pieces: Boundaries of the texts in pieces. *Shape:* `(texts + 1,)`, int64.

        Returns:
            Start and end offsets, in characters of each piece's own text. *Shape:* `(pieces,)`
            each, int64.

        Raises:
            ValueError: The pieces are not those of the normalized texts.
        """
        normalized = [self._normalize(text) for text in texts]
        for i, (string, _) in enumerate(normalized):
            if len(string) != cu_rows[i + 1] - cu_rows[i]:
                raise ValueError(Errors.E214.format(text=texts[i][:100]))
        cu_characters = cumulative(np.array([len(text) for text in texts], dtype=np.int64))
        characters = code_points("".join(texts))
        # Every text has one origin more than rows: the one of its end.
        origins = np.fromiter(chain.from_iterable(o for _, o in normalized), dtype=np.int64)
        origins += np.repeat(cu_characters[:-1], np.diff(cu_rows) + 1)
        text_of_piece = np.repeat(np.arange(len(texts)), np.diff(cu_pieces))
        text_starts = cu_characters[:-1][text_of_piece]

        # Only a byte piece or an unknown piece can be a space that its string does not show.
        is_space = np.isin(code_points("".join(string for string, _ in normalized)), _SPACE_POINTS)
        hidden = np.flatnonzero(lasts - firsts == 1)
        hidden = hidden[is_space[firsts[hidden]]]
        firsts, lasts = firsts.copy(), lasts.copy()
        firsts[hidden] = lasts[hidden]

        starts = origins[firsts + text_of_piece]
        ends = starts.copy()
        solid = lasts > firsts
        last_origins = origins[(lasts + text_of_piece)[solid] - 1]
        # A row ends where the next row with another origin begins...
        following = np.searchsorted(origins, last_origins, side="right")
        limits = np.append(origins, len(characters))[following]
        limits = np.minimum(limits, cu_characters[1:][text_of_piece[solid]])
        # ... without the removed characters and spaces before it.
        kept = np.where(self._are_blank(characters), -1, np.arange(len(characters)))
        last_kept = np.maximum.accumulate(kept)
        ends[solid] = np.maximum(last_kept[limits - 1], last_origins) + 1
        return starts - text_starts, ends - text_starts

    def _are_blank(self, characters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether normalization removes characters or makes spaces of them."""
        kinds = self._kinds[characters]
        if not kinds.all():
            for character in np.unique(characters[kinds == 0]).tolist():
                alone, _ = self._normalize(chr(character))
                self._kinds[character] = 1 if alone.strip(SPACES) else 2
            kinds = self._kinds[characters]
        return kinds == 2

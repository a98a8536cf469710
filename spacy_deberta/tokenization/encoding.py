"""Strings to pieces: one SentencePiece call for a batch, arrays from there on."""

from itertools import chain

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from spacy_deberta.arrays import Ints, cumulative, expand_ranges
from spacy_deberta.errors import Errors

from .alignment import Origins
from .native_threads import check_threads, choose_threads
from .piece_text import code_points, edge_spaces, lengths_of, read_piece_text
from .pieces import Pieces
from .spaces import collapse_spaces

# UTF-8 cannot encode lone surrogates. The replacement character is as long, so that offsets stay
# valid.
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

# A call for several texts starts threads, even for one of them; fewer texts are cut one by one.
_FEW = 8

# How a normalizer must treat spaces for `CollapsedSpaces` to apply. Not all do.
_SPACED, _COLLAPSED = " a  b ", "▁a▁b"


class PieceEncoder:
    """A SentencePiece model with the character offsets of its pieces.

    Thread-safe: only a cache changes after construction.

    Args:
        model_proto: The serialized model.
        threads: Maximum number of native threads of a call; None for one on each core.

    Raises:
        ValueError: `model_proto` is not a SentencePiece model (E202), lacks the unknown piece
            (E220) or has pieces that are not UTF-8 (E221); or `threads` is not a whole number
            (E231).
    """

    def __init__(self, model_proto: bytes, *, threads: int | None = None) -> None:
        self.processor = SentencePieceProcessor()
        try:
            self.processor.LoadFromSerializedProto(model_proto)
        except (RuntimeError, OSError, TypeError, ValueError) as error:
            raise ValueError(Errors.E202.format(size=len(model_proto), error=error)) from error
        self.piece_text = read_piece_text(self.processor)
        self._collapses_spaces = self.processor.Normalize(_SPACED) == _COLLAPSED
        self._origins = Origins(lambda text: self.processor.Normalize(text, with_offsets=True))
        self._threads = check_threads(threads)

    def encode(self, texts: list[str]) -> Pieces:
        """Cut texts into pieces.

        Args:
            texts: Any strings.

        Returns:
            The pieces, with offsets in code points.

        Raises:
            ValueError: An item of `texts` is not a string.
        """
        texts, characters = read_characters(texts)
        cu_characters = cumulative(lengths_of(texts))
        if not len(characters):
            empty = np.zeros(0, dtype=np.int64)
            return Pieces(empty, empty, empty, np.zeros(len(texts) + 1, dtype=np.int64))

        found = self._encode(texts, len(characters), threads=self._threads)
        counts = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        cu_pieces = cumulative(counts)
        ids = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=int(cu_pieces[-1]))

        widths = self.piece_text.widths[ids]
        bounds = cumulative(widths)
        rows = self.piece_text.characters[expand_ranges(self.piece_text.starts[ids], widths)]
        collapsed = collapse_spaces(characters, cu_characters)
        unchanged = np.zeros(len(texts), dtype=bool)
        if self._collapses_spaces:
            unchanged = collapsed.are_unchanged(rows, bounds[cu_pieces])

        # As if all texts were unchanged: one row for the space in front, then a row a character.
        text_starts = np.repeat(bounds[cu_pieces[:-1]] + 1, counts)
        ends = bounds[1:] - text_starts
        starts = bounds[:-1] - text_starts
        starts += self.piece_text.leading_spaces[ids]
        solid = starts < ends
        ends -= np.where(solid, self.piece_text.trailing_spaces[ids], 0)

        moved = np.flatnonzero(unchanged & collapsed.are_shorter)
        if len(moved):
            owned = expand_ranges(cu_pieces[:-1][moved], counts[moved])
            of_text = np.repeat(moved, counts[moved])
            starts[owned], ends[owned] = collapsed.origins(of_text, starts[owned], ends[owned])
        changed = np.flatnonzero(~unchanged & (counts > 0))
        if len(changed):
            owned = expand_ranges(cu_pieces[:-1][changed], counts[changed])
            starts[owned], ends[owned] = self._align_changed(
                [texts[i] for i in changed.tolist()], ids[owned], counts[changed]
            )
        return Pieces(ids, starts, ends, cu_pieces)

    def encode_ids(self, texts: list[str], *, threads: int | None = None) -> tuple[Ints, Ints]:
        """Cut texts into pieces, without offsets.

        Args:
            texts: Any strings.
            threads: Maximum number of native threads; None for the encoder's number.

        Returns:
            `ids` and `cu_pieces` as in `Pieces`.

        Raises:
            ValueError: An item of `texts` is not a string.
        """
        texts, characters = read_characters(texts)
        threads = check_threads(threads) or self._threads
        found = self._encode(texts, len(characters), threads=threads)
        cu_pieces = cumulative(np.fromiter(map(len, found), dtype=np.int64, count=len(found)))
        total = int(cu_pieces[-1])
        return np.fromiter(chain.from_iterable(found), dtype=np.int64, count=total), cu_pieces

    def _encode(self, texts: list[str], characters: int, *, threads: int | None) -> list[list[int]]:
        threads = choose_threads(characters, max_threads=threads)
        if threads == 1 and len(texts) <= _FEW:
            return [self.processor.Encode(text, out_type=int) for text in texts]
        ids: list[list[int]] = self.processor.Encode(texts, out_type=int, num_threads=threads)
        return ids

    def _align_changed(self, texts: list[str], ids: Ints, counts: Ints) -> tuple[Ints, Ints]:
        piece_text = self.piece_text
        if (ids == self.processor.unk_id()).any():
            # The width of an unknown piece depends on the text: only its string has it.
            threads = choose_threads(sum(map(len, texts)), max_threads=self._threads)
            pieces = self.processor.Encode(texts, out_type=str, num_threads=threads)
            strings = list(chain.from_iterable(pieces))
            if len(strings) != len(ids):
                raise ValueError(Errors.E214.format(text=texts[0][:100]))
            unknown = ids == self.processor.unk_id()
            widths = np.where(unknown, lengths_of(strings), piece_text.widths[ids])
            leading, trailing = edge_spaces(strings)
        else:
            widths = piece_text.widths[ids]
            leading, trailing = piece_text.leading_spaces[ids], piece_text.trailing_spaces[ids]
        bounds = cumulative(widths)
        cu_pieces = cumulative(counts)
        # All bytes of a character have the offsets of the first.
        firsts = bounds[:-1] + leading - piece_text.continues[ids]
        lasts = bounds[1:] - trailing
        return self._origins.align(texts, bounds[cu_pieces], firsts, lasts, cu_pieces)


def read_characters(texts: list[str]) -> tuple[list[str], NDArray[np.uint32]]:
    """Texts without lone surrogates, and their code points."""
    try:
        return texts, code_points("".join(texts))
    except TypeError as error:
        raise ValueError(Errors.E205.format(error=error)) from error
    except UnicodeEncodeError:
        texts = [text.translate(_SURROGATES) for text in texts]
        return texts, code_points("".join(texts))

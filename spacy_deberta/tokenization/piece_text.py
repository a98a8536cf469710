"""The text of every piece of a vocabulary, as arrays indexed by piece id."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from spacy_deberta.arrays import Ints, cumulative
from spacy_deberta.errors import Errors

SPACE = "▁"  # U+2581, how SentencePiece writes a space
SPACES = SPACE + " "  # Some vocabularies leave it as it is

# Placeholder for the character of a byte piece or an unknown piece, which the id does not
# determine. No code point is that large.
HIDDEN = np.uint32(0xFFFFFFFF)

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True, eq=False)
class PieceText:
    """The normalized text of every piece of a vocabulary.

    Args:
        strings: Pieces as SentencePiece writes them. *Shape:* `(pieces,)`, of Python strings.
        characters: Code points of all pieces, packed; `HIDDEN` for the character of a byte piece
            or an unknown one. *Shape:* `(total_characters,)`, uint32.
        starts: Index of a piece's first character. *Shape:* `(pieces,)`, int64.
        widths: Number of characters of a piece; a byte piece has 1 if it is the first byte of a
            character in UTF-8, else 0. *Shape:* `(pieces,)`, int64.
        leading_spaces: Number of leading spaces of a piece. *Shape:* `(pieces,)`, int64.
        trailing_spaces: Number of trailing spaces of a piece. *Shape:* `(pieces,)`, int64.
        continues: Whether a piece is a UTF-8 continuation byte. *Shape:* `(pieces,)`, bool.
    """

    strings: NDArray[np.object_]
    characters: NDArray[np.uint32]
    starts: Ints
    widths: Ints
    leading_spaces: Ints
    trailing_spaces: Ints
    continues: NDArray[np.bool_]


def read_piece_text(processor: SentencePieceProcessor) -> PieceText:
    """Read the text of every piece of a vocabulary.

    Args:
        processor: A loaded model.

    Returns:
        The texts, in the order of the ids.

    Raises:
        ValueError: There is no unknown piece (E220), or a piece is not UTF-8 (E221).
    """
    if processor.unk_id() < 0:
        raise ValueError(Errors.E220)
    written = tuple(_read_piece(processor, i) for i in range(processor.GetPieceSize()))
    strings = list(written)
    strings[processor.unk_id()] = "?"
    hidden = [processor.unk_id()]
    continues = np.zeros(len(strings), dtype=bool)
    for i, string in enumerate(strings):
        # A string test first: asking the model about 128,000 ids is slow.
        match = _BYTE_PIECE.fullmatch(string) if string.startswith("<0x") else None
        if match is None or not processor.IsByte(i):
            continue
        continues[i] = 0x80 <= int(match[1], 16) < 0xC0
        strings[i] = "" if continues[i] else "?"
        hidden.append(i)
    widths = lengths_of(strings)
    boundaries = cumulative(widths)
    characters = code_points("".join(strings)).copy()
    visible = np.array([i for i in hidden if not continues[i]], dtype=np.int64)
    characters[boundaries[visible]] = HIDDEN
    leading, trailing = edge_spaces(strings)
    return PieceText(
        np.array(written, dtype=object),
        characters,
        boundaries[:-1],
        widths,
        leading,
        trailing,
        continues,
    )


def edge_spaces(strings: list[str]) -> tuple[Ints, Ints]:
    """Count the spaces at both ends of pieces.

    Args:
        strings: Pieces as SentencePiece writes them.

    Returns:
        Number of leading and of trailing spaces of every piece; in a whitespace piece, all count
        as both. *Shape:* `(pieces,)` each, int64.
    """
    leading = np.zeros(len(strings), dtype=np.int64)
    trailing = np.zeros(len(strings), dtype=np.int64)
    for i, string in enumerate(strings):
        if SPACE in string or " " in string:
            leading[i] = len(string) - len(string.lstrip(SPACES))
            trailing[i] = len(string) - len(string.rstrip(SPACES))
    return leading, trailing


def lengths_of(strings: list[str]) -> Ints:
    """Count the code points of strings.

    Args:
        strings: Any strings.

    Returns:
        Number of code points of every string. *Shape:* `(strings,)`, int64.
    """
    return np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))


def code_points(string: str) -> NDArray[np.uint32]:
    """View a string as an array.

    Args:
        string: A string without lone surrogates.

    Returns:
        Its code points, read-only. *Shape:* `(len(string),)`, uint32.

    Raises:
        UnicodeEncodeError: There is a lone surrogate.
    """
    return np.frombuffer(string.encode("utf-32-le"), dtype="<u4")


def _read_piece(processor: SentencePieceProcessor, piece_id: int) -> str:
    try:
        return str(processor.IdToPiece(piece_id))
    except UnicodeDecodeError as error:
        raise ValueError(Errors.E221.format(id=piece_id, error=error)) from error

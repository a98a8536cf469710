"""Renders an alignment as a self-contained HTML page."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spacy_deberta.pages import render_template, write_html
from spacy_deberta.text_alignment import Alignment, Pair

from .visible_text import visible

# Neighbouring tokens differ in hue. They also have gaps and borders, for readers who see no hue.
HUES = (212, 28, 150, 275, 340, 52)
# Rows of a group's grid: tokens, connecting lines, pieces.
TOKEN_ROW, LINE_ROW, PIECE_ROW = 1, 2, 3


class Box(NamedTuple):
    """A place in the grid of a group: the index of what is drawn, its row, and its grid lines."""

    number: int
    row: int
    start: int
    end: int


@dataclass(frozen=True)
class Group:
    """Tokens that are connected by shared pieces; usually one token.

    tokens (Sequence[Box]): The tokens; none for a piece without a token.
    lines (Sequence[Box]): For each pair of a token and its piece a line, with the token's index.
    pieces (Sequence[Box]): The pieces.
    ends_line (bool): Whether the text has a line break here.
    """

    tokens: Sequence[Box]
    lines: Sequence[Box]
    pieces: Sequence[Box]
    ends_line: bool


def write_page(alignment: Alignment, path: Path) -> None:
    """Render an alignment and write the page atomically.

    alignment (Alignment): The tokens and pieces.
    path (Path): The file; an existing one is replaced.
    """
    write_html(render_page(alignment), path)


def render_page(alignment: Alignment) -> str:
    """Render an alignment.

    alignment (Alignment): The tokens and pieces.
    RETURNS (str): The HTML page.
    """
    return render_template(
        __package__,
        "align.html",
        alignment=alignment,
        direction=_direction(alignment.text),
        groups=[_place(alignment, pairs) for pairs in _connected_pairs(alignment)],
        hues=HUES,
        visible=visible,
    )


def _direction(text: str) -> str:
    """Direction of the first strongly directional character, as in browsers."""
    classes = (unicodedata.bidirectional(char) for char in text)
    first = next((name for name in classes if name in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"


def _connected_pairs(alignment: Alignment) -> Iterator[list[Pair]]:
    """Group the pairs of tokens that are connected by shared pieces."""
    group: list[Pair] = []
    for pair in alignment.pairs():
        if group and not _connected(alignment, group[-1], pair):
            yield group
            group = []
        group.append(pair)
    if group:
        yield group


def _connected(alignment: Alignment, left: Pair, right: Pair) -> bool:
    if left[0] is None or right[0] is None:
        return False
    left_pieces = alignment.tokens[left[0]].pieces
    return left[0] == right[0] or bool(set(left_pieces) & set(alignment.tokens[right[0]].pieces))


def _place(alignment: Alignment, pairs: list[Pair]) -> Group:
    """Place a column for each pair. Tokens and pieces span all of their columns."""
    tokens = dict.fromkeys(token for token, _ in pairs if token is not None)
    return Group(
        tokens=[Box(i, TOKEN_ROW, *_columns([own == i for own, _ in pairs])) for i in tokens],
        lines=[
            Box(token, LINE_ROW, column, column + 1)
            for column, (token, piece) in enumerate(pairs, start=1)
            if token is not None and piece is not None
        ],
        pieces=list(_place_pieces(pairs)),
        ends_line=any("\n" in alignment.tokens[token].text for token in tokens),
    )


def _place_pieces(pairs: list[Pair]) -> Iterator[Box]:
    row_ends: list[int] = []
    for piece in dict.fromkeys(piece for _, piece in pairs if piece is not None):
        start, end = _columns([own == piece for _, own in pairs])
        # Pieces with the same characters of two tokens would overlap.
        row = next((i for i, last in enumerate(row_ends) if last <= start), len(row_ends))
        row_ends[row : row + 1] = [end]
        yield Box(piece, row + PIECE_ROW, start, end)


def _columns(own: list[bool]) -> tuple[int, int]:
    """First and last grid line of the marked columns."""
    return own.index(True) + 1, len(own) - own[::-1].index(True) + 1

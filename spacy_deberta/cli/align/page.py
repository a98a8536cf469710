"""Renders an alignment as a self-contained HTML page."""

import unicodedata
from collections.abc import Iterator
from html import escape
from pathlib import Path

from spacy_deberta.cli.html_file import write_html
from spacy_deberta.text_alignment import Alignment, Pair

from .style import HUES, STYLE
from .visible_text import visible

PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tokens and pieces</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>Tokens and pieces</h1>
<p>{summary}. Vocabulary: <bdi>{model}</bdi>. A “▁” is the space before a piece.</p>
</header>
<main dir="{direction}">
{groups}
</main>
</body>
</html>
"""
# Rows of a group's grid: tokens, connecting lines, pieces.
TOKEN_ROW, LINE_ROW, PIECE_ROW = 1, 2, 3
# As high as a token, so that a piece without a token is level with the other pieces.
EMPTY_TOKEN = '<div class="token empty">&nbsp;</div>'


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
    return PAGE.format(
        lang=escape(alignment.lang),
        style=STYLE,
        summary=escape(alignment.summary),
        model=escape(visible(alignment.model)),
        direction=_direction(alignment.text),
        groups="\n".join(_group(alignment, group) for group in _groups(alignment)),
    )


def _direction(text: str) -> str:
    """Direction of the first strongly directional character, as in browsers."""
    classes = (unicodedata.bidirectional(char) for char in text)
    first = next((name for name in classes if name in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"


def _groups(alignment: Alignment) -> Iterator[list[Pair]]:
    """Group the pairs of tokens that are connected by shared pieces; usually one token."""
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


def _group(alignment: Alignment, group: list[Pair]) -> str:
    """A grid with a column for each pair. Tokens and pieces span all of their columns."""
    tokens = dict.fromkeys(token for token, _ in group if token is not None)
    boxes = [
        *(_token(alignment, i, *_columns([own == i for own, _ in group])) for i in tokens),
        *_lines(group),
        *_pieces(alignment, group),
    ]
    if not tokens:
        boxes.insert(0, EMPTY_TOKEN)
    ends_line = any("\n" in alignment.tokens[token].text for token in tokens)
    line_break = '<div class="break"></div>' if ends_line else ""
    return f'<div class="group">{"".join(boxes)}</div>{line_break}'


def _lines(group: list[Pair]) -> Iterator[str]:
    for column, (token, piece) in enumerate(group, start=1):
        if token is not None and piece is not None:
            area = f"grid-area: {LINE_ROW} / {column}"
            yield f'<i class="line hue{token % len(HUES)}" style="{area}"></i>'


def _pieces(alignment: Alignment, group: list[Pair]) -> Iterator[str]:
    row_ends: list[int] = []
    for piece in dict.fromkeys(piece for _, piece in group if piece is not None):
        start, end = _columns([own == piece for _, own in group])
        # Pieces with the same characters of two tokens would overlap.
        row = next((i for i, last in enumerate(row_ends) if last <= start), len(row_ends))
        row_ends[row : row + 1] = [end]
        yield _piece(alignment, piece, row + PIECE_ROW, start, end)


def _columns(own: list[bool]) -> tuple[int, int]:
    """First and last grid line of the marked columns."""
    return own.index(True) + 1, len(own) - own[::-1].index(True) + 1


def _token(alignment: Alignment, number: int, start: int, end: int) -> str:
    token = alignment.tokens[number]
    note = "" if token.pieces else ", no piece"
    return (
        f'<div class="token hue{number % len(HUES)}{"" if token.pieces else " bare"}" '
        f'style="grid-area: {TOKEN_ROW} / {start} / auto / {end}" '
        f'title="token {number}, characters {token.start}:{token.end}{note}">'
        f"<bdi>{escape(visible(token.text))}</bdi></div>"
    )


def _piece(alignment: Alignment, number: int, row: int, start: int, end: int) -> str:
    piece = alignment.pieces[number]
    note = f", covers “{escape(visible(piece.text))}”" if piece.text else ""
    if not piece.tokens:
        kind = "bare"
        note += ", no token"
    elif len(piece.tokens) > 1:
        kind = "shared"
        note += f", shared by tokens {', '.join(map(str, piece.tokens))}"
    else:
        kind = f"hue{piece.tokens[0] % len(HUES)}"
    tints = ", ".join(f"var(--tint{i % len(HUES)})" for i in piece.tokens)
    blend = f"; --tints: {tints}" if len(piece.tokens) > 1 else ""
    return (
        f'<div class="piece {kind}" style="grid-area: {row} / {start} / auto / {end}{blend}" '
        f'title="piece {number}, characters {piece.start}:{piece.end}{note}">'
        f"<bdi>{escape(visible(piece.piece))}</bdi><small>{piece.id}</small></div>"
    )

"""Formats an alignment as a table for the terminal."""

import io

from spacy_deberta.text_alignment import Alignment, Pair

from .visible_text import visible

HEADER = ("#", "Token", "Chars", "Piece", "Covers", "Id", "Chars", "")
# Alternating colours of tokens and their pieces.
TOKEN_COLORS = ("cyan", "magenta")
DIM = "bright_black"
MARK = "yellow"


def format_table(alignment: Alignment, *, colored: bool) -> str:
    """Format tokens and pieces as a table with one piece a line.

    alignment (Alignment): The tokens and pieces.
    colored (bool): Whether to use colours.
    RETURNS (str): The lines.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    pairs = list(alignment.pairs())
    cells = [_cells(alignment, pair) for pair in pairs]
    # A token is shown on the line of its first piece only.
    for i in range(len(pairs) - 1, 0, -1):
        if pairs[i][0] is not None and pairs[i][0] == pairs[i - 1][0]:
            cells[i][:3] = ["", "", ""]
    widths = [max(map(cell_len, column)) for column in zip(HEADER, *cells, strict=True)]
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_row(*map(Text, HEADER))
    table.add_row(*("-" * width for width in widths))
    for line, pair in zip(cells, pairs, strict=True):
        styled = zip(line, _colors(pair), strict=True)
        table.add_row(*(Text(cell, color if cell else "") for cell, color in styled))
    stream = io.StringIO()
    console = Console(
        file=stream,
        # A table that is wider than the terminal is wrapped there, and whole in a file.
        width=sum(widths) + 3 * len(widths),
        force_terminal=colored,
        color_system="standard" if colored else None,
        legacy_windows=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _cells(alignment: Alignment, pair: Pair) -> list[str]:
    token_cells, piece_cells, note = ["", "", ""], ["-", "", "", ""], ""
    token_id, piece_id = pair
    if token_id is None:
        note = "no token"
    else:
        token = alignment.tokens[token_id]
        token_cells = [str(token_id), visible(token.text), f"{token.start}:{token.end}"]
    if piece_id is None:
        note = "no piece"
    else:
        piece = alignment.pieces[piece_id]
        offsets = f"{piece.start}:{piece.end}"
        piece_cells = [visible(piece.piece), visible(piece.text), str(piece.id), offsets]
        others = [i for i in piece.tokens if i != token_id]
        if others:
            names = (f"#{i} {visible(alignment.tokens[i].text)}" for i in others)
            note = f"shared with {', '.join(names)}"
    return [*token_cells, *piece_cells, note]


def _colors(pair: Pair) -> tuple[str, ...]:
    token_id, piece_id = pair
    if token_id is None or piece_id is None:
        return (DIM,) * len(HEADER)
    color = TOKEN_COLORS[token_id % len(TOKEN_COLORS)]
    return (DIM, color, DIM, color, "", "", DIM, MARK)

"""Formats an alignment as a table for the terminal."""

from collections.abc import Sequence

from wasabi import row

from spacy_deberta.text_alignment import Alignment, Pair

from .visible_text import display_width, pad, visible

HEADER = ("#", "Token", "Chars", "Piece", "Covers", "Id", "Chars", "")
# Alternating colours of tokens and their pieces.
TOKEN_COLORS = ("cyan", "pink")
DIM = "grey"
MARK = "yellow"


def format_table(alignment: Alignment, *, colored: bool) -> str:
    """Format tokens and pieces as a table with one piece a line.

    alignment (Alignment): The tokens and pieces.
    colored (bool): Whether to use colours.
    RETURNS (str): The lines.
    """
    pairs = list(alignment.pairs())
    cells = [_cells(alignment, pair) for pair in pairs]
    # A token is shown on the line of its first piece only.
    for i in range(len(pairs) - 1, 0, -1):
        if pairs[i][0] is not None and pairs[i][0] == pairs[i - 1][0]:
            cells[i][:3] = ["", "", ""]
    lines = [list(HEADER), *cells]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    plain = (None,) * len(HEADER)
    colors = [plain, plain, *map(_colors, pairs)]
    return "\n".join(
        # Padded here, because wasabi counts code points instead of terminal columns.
        row(
            [pad(cell, width) for cell, width in zip(line, widths, strict=True)],
            # No colour codes around blank cells, so that trailing ones can be stripped.
            fg_colors=[c if cell else None for c, cell in zip(color, line, strict=True)]
            if colored
            else None,
        ).rstrip()
        for line, color in zip(lines, colors, strict=True)
    )


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


def _colors(pair: Pair) -> Sequence[str | None]:
    token_id, piece_id = pair
    if token_id is None or piece_id is None:
        return (DIM,) * len(HEADER)
    color = TOKEN_COLORS[token_id % len(TOKEN_COLORS)]
    return (DIM, color, DIM, color, None, None, DIM, MARK)

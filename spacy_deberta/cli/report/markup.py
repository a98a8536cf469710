"""HTML fragments. All strings from data pass through `escape_text`."""

from collections.abc import Iterable, Sequence
from html import escape

# Control characters are not valid in HTML, and lone surrogates can't be encoded.
_CONTROLS = (*range(9), 11, 12, *range(14, 32), 127)
_REPLACED = dict.fromkeys([*_CONTROLS, *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}")


def clean_text(text: str) -> str:
    """Replace characters that HTML can't contain, one by one, so that offsets stay valid.

    text (str): Any text.
    RETURNS (str): A text of the same length.
    """
    return text.translate(_REPLACED)


def escape_text(text: str) -> str:
    """Escape a text for HTML, including attribute values.

    text (str): Any text.
    RETURNS (str): HTML.
    """
    return escape(clean_text(text))


def make_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table whose first column has the row headers.

    header (Sequence[str]): The names of the columns, as HTML.
    rows (Iterable[Sequence[str]]): The cells, as HTML.
    RETURNS (str): HTML.
    """
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
        for first, *others in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"

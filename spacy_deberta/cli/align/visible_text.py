"""Replaces invisible characters with visible symbols, and measures width in terminal columns."""

import unicodedata

_SYMBOLS = {" ": "␣", "\n": "⏎", "\t": "⇥"}
# Joiners change the rendering of adjacent characters, in emoji, Persian and many Indian scripts.
_JOINERS = "\u200c\u200d"


def visible(text: str) -> str:
    """Escape characters that are invisible, move the cursor, or change the text direction.

    text (str): Any text.
    RETURNS (str): The text with symbols for whitespace and escapes for invisible characters.
    """
    joins = any(char.isprintable() for char in text)
    return "".join(_visible_char(char, joins=joins) for char in text)


def _visible_char(char: str, *, joins: bool) -> str:
    if char in _SYMBOLS:
        return _SYMBOLS[char]
    if char.isprintable() or (joins and char in _JOINERS):
        return char
    return char.encode("unicode_escape").decode("ascii")


def pad(text: str, width: int) -> str:
    """Pad a text with spaces to a width in terminal columns.

    text (str): The text.
    width (int): The width.
    RETURNS (str): The padded text.
    """
    return text + " " * (width - display_width(text))


def display_width(text: str) -> int:
    """Width of a text in terminal columns. Most East Asian characters take two.

    text (str): The text, without control characters.
    RETURNS (int): Number of columns.
    """
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1

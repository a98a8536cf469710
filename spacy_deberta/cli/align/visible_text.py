"""Texts as people can see them: whitespace and control characters spelled out, and their width."""

import unicodedata

_SYMBOLS = {" ": "␣", "\n": "⏎", "\t": "⇥"}
# They change how their neighbours look, in emoji, Persian and many Indian scripts.
_JOINERS = "\u200c\u200d"


def visible(text: str) -> str:
    """Spell out what can't be seen, or would move the cursor or turn the line around.

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
    """Fill up with spaces to a width in columns of a terminal.

    text (str): The text.
    width (int): The width.
    RETURNS (str): The text and spaces.
    """
    return text + " " * (width - display_width(text))


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes: two for most characters of East Asia.

    text (str): The text, without control characters.
    RETURNS (int): The columns.
    """
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1

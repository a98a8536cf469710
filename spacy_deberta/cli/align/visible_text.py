"""Replaces invisible characters with visible symbols."""

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

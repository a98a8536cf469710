import pytest

from spacy_deberta.cli.align.visible_text import display_width, pad, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 字", "naïve␣字"),
        ("\n\t\r", "⏎⇥\\r"),
        ("\u202eabc", "\\u202eabc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200d", "\\u200d"),
        ("\x1b[0m", "\\x1b[0m"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text, shown):
    assert visible(text) == shown


def test_width_is_that_of_the_terminal():
    assert [display_width(text) for text in ("abc", "字", "🙂", "e\u0301", "")] == [3, 2, 2, 1, 0]
    assert pad("字", 4) == "字  "

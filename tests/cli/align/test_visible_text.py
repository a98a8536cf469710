import pytest

from spacy_deberta.cli.align.visible_text import visible


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

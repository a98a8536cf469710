import io
import re

import pytest
from wasabi.util import supports_ansi

from spacy_deberta.cli._util import make_printer
from spacy_deberta.cli.align import align
from spacy_deberta.cli.align.table import format_table
from tests.cli.texts import TEXTS

needs_ansi = pytest.mark.skipif(not supports_ansi(), reason="wasabi finds no ANSI terminal")


@needs_ansi
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_colors_change_only_escape_sequences(text, tiny_vocabulary):
    alignment = align(text, model=tiny_vocabulary)
    plain = format_table(alignment, colored=False)
    colored = format_table(alignment, colored=True)
    assert bool(alignment.tokens) == (colored != plain)
    without = re.sub("\x1b\\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in without.splitlines()] == plain.splitlines()


@needs_ansi
@pytest.mark.parametrize(
    ("terminal", "no_color", "expected"),
    [(True, "", True), (True, "1", False), (False, "", False)],
)
def test_colors_are_for_terminals_and_not_with_no_color(terminal, no_color, expected, monkeypatch):
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    assert make_printer(stream).show_color is expected

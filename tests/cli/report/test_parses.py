"""Drawings of parses on the page of `spacy deberta visualize`."""

import re

import spacy
from spacy.tokens import Doc

from spacy_deberta.cli.report.parses import MAX_PARSED_TOKENS, MAX_PARSES, draw_parses


def parse(words, heads, deps, lang="en"):
    starts = [i == 0 for i in range(len(words))]
    vocab = spacy.blank(lang).vocab
    return Doc(vocab, words=words, heads=heads, deps=deps, sent_starts=starts)


def test_a_parse_has_all_words_and_an_arc_for_each_dependency():
    doc = parse(["Mira", "left", "<Porto>"], [1, 1, 1], ["nsubj", "ROOT", "a&b"])
    drawn = draw_parses([doc])[0].svg
    words = re.findall(r'<tspan class="displacy-word"[^>]*>([^<]*)<', drawn)
    labels = re.findall(r"<textPath[^>]*>([^<]*)<", drawn)
    assert words == ["Mira", "left", "&lt;Porto&gt;"]
    assert labels == ["nsubj", "a&amp;b"]
    assert "<Porto>" not in drawn


def test_only_the_first_short_sentences_are_drawn():
    short = parse(["Mira", "left"], [1, 1], ["nsubj", "ROOT"])
    length = MAX_PARSED_TOKENS + 1
    long = parse(["a"] * length, [0] * length, ["ROOT", *["dep"] * (length - 1)])
    one = parse(["Mira"], [0], ["ROOT"])
    unparsed = spacy.blank("en")("Mira left")
    assert draw_parses([long, one, unparsed]) == []
    assert len(draw_parses([long, *[short] * (MAX_PARSES + 2)])) == MAX_PARSES


def test_the_shown_part_has_all_words_and_fits_the_page():
    words = ["word"] * MAX_PARSED_TOKENS
    doc = parse(words, [0] * len(words), ["ROOT", *["dep"] * (len(words) - 1)])
    (drawn,) = draw_parses([doc])
    lowest = max(
        float(y) for y in re.findall(r'<text class="displacy-token"[^>]* y="([\d.]+)"', drawn.svg)
    )
    assert drawn.top < lowest < drawn.top + drawn.height
    assert drawn.shown_width < 1100


def test_labels_are_upright_in_both_directions():
    for lang, first in [("en", "left"), ("ar", "right")]:
        doc = parse(["a", "b", "c"], [1, 1, 1], ["one", "ROOT", "two"], lang)
        (drawn,) = draw_parses([doc])
        assert drawn.direction == ("rtl" if first == "right" else "ltr")
        lines = re.findall(
            r'class="displacy-arc"[^>]* d="M([\d.]+),[^"]* ([\d.]+),[^"]*"', drawn.svg
        )
        assert len(lines) == 2
        assert all(float(start) < float(end) for start, end in lines)
        places = [
            float(x) for x in re.findall(r'class="displacy-word"[^>]* x="([\d.]+)"', drawn.svg)
        ]
        assert places == sorted(places, reverse=first == "right")

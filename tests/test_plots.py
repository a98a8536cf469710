"""Plots that are files or parts of a page."""

import re
from xml.etree import ElementTree

from spacy_deberta.plots import GRID, INK, count_steps, draw_svg


def draw(figure):
    axes = figure.subplots()
    axes.plot([1, 2], [0.5, 0.25], color=INK)
    axes.set_title("$a_b$ <c>")
    count_steps(axes)


def test_a_file_is_svg_with_colours_for_both_themes():
    svg = draw_svg(draw, width=3, height=2)
    root = ElementTree.fromstring(svg)
    texts = [text for element in root.iter() if (text := (element.text or "").strip())]
    assert "$a_b$ <c>" in texts
    style = next(element for element in root.iter() if element.tag.endswith("style")).text
    dark = style.partition("prefers-color-scheme: dark")[2]
    used = set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", svg.replace(style, "")))
    # What the light theme shows dark, and what is behind it.
    for name, color in used & {
        ("fill", INK),
        ("stroke", INK),
        ("stroke", GRID),
        ("fill", "#ffffff"),
    }:
        assert f'[style*="{name}: {color}"]' in dark
    assert ("fill", INK) in used
    assert ("fill", "#ffffff") in used, "a background of its own, which changes with the text"


def test_a_part_of_a_page_has_no_background_and_a_small_axis_has_whole_steps():
    svg = draw_svg(draw, width=3, height=2, in_page=True)
    assert svg.startswith("<svg")
    assert "fill: #ffffff" not in re.sub("<style>.*?</style>", "", svg, flags=re.DOTALL)
    ticks = re.findall(r"<text [^>]*>([\d.]+)</text>", svg)
    assert {"1", "2"} <= set(ticks)
    assert "1.5" not in ticks

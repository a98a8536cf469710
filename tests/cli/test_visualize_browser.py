"""The page of `spacy deberta visualize` as Chromium shows it, without scripts."""

import json
from itertools import combinations

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_deberta.cli import visualize
from tests.cli.test_visualize import write_log

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LABEL = "A_LABEL_THAT_IS_LONG"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A page with long words, many overlapping spans, a parse, and one text without an error."""
    folder = tmp_path_factory.mktemp("page")
    nlp = spacy.blank("en")

    @spacy.Language.component("all_kinds", assigns=["doc.ents", "doc.cats", "token.dep"])
    def annotate(doc: Doc) -> Doc:
        doc.set_ents([Span(doc, 0, 1, LABEL)])
        doc.spans["sc"] = [Span(doc, i, i + 2, LABEL) for i in range(len(doc) - 1)]
        doc.cats = {"short": 0.9, LABEL * 3: 0.8}
        for token in doc:
            token.head, token.dep_ = doc[0], "dep" if token.i else "ROOT"
        return doc

    nlp.add_pipe("all_kinds")
    nlp.to_disk(folder / "pipeline")
    docs = [nlp(text) for text in ("Right in all.", "Mira left word/" + "word" * 60, "To Lyon")]
    docs[1].spans["sc"] = [Span(docs[1], 0, 1, "OTHER")]
    docs[2].cats = {"short": 0.0, LABEL * 3: 1.0}
    docs[0].cats = docs[1].cats = {"short": 1.0, LABEL * 3: 1.0}
    DocBin(docs=docs).to_disk(folder / "data.spacy")
    scores = {"ents_per_type": {LABEL: {"p": 0.5, "r": 0.5, "f": 0.5}}, "ents_f": 0.5}
    (folder / "metrics.json").write_text(json.dumps(scores))
    visualize(
        folder / "pipeline",
        folder / "data.spacy",
        folder / "page.html",
        metrics=folder / "metrics.json",
        log=write_log(folder / "log.jsonl"),
    )
    return (folder / "page.html").as_uri()


@pytest.fixture
def open_page(chromium, url):
    """A function that opens the page."""
    contexts = []

    def open_with(**options):
        contexts.append(chromium.new_context(java_script_enabled=False, **options))
        page = contexts[-1].new_page()
        page.goto(url)
        return page

    yield open_with
    for context in contexts:
        context.close()


def luminance(color):
    """Relative luminance of a CSS colour, as in WCAG."""
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(page, selector, behind, name="color"):
    """Contrast of a colour of an element with the background of another one."""
    style = "(e, name) => getComputedStyle(e)[name]"
    first = luminance(page.locator(selector).first.evaluate(style, name))
    second = luminance(page.locator(behind).first.evaluate(style, "backgroundColor"))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_can_be_read_in_both_themes(theme, open_page):
    page = open_page(color_scheme=theme)
    background = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert (luminance(background) < 0.1) is (theme == "dark")
    assert contrast(page, "body", "body") > 7
    for text in ("dt", "a", ".card .note", ".verdict.right", ".verdict.missed", ".plot text"):
        behind = "body" if text in ("dt", "a") else ".card"
        name = "fill" if text.startswith(".plot") else "color"
        assert contrast(page, text, behind, name) > 4.5, text
    for text in ("mark small", ".start"):
        assert contrast(page, text, text.split()[0]) > 4.5, text


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_page(width, open_page):
    page = open_page(viewport={"width": width, "height": 700})
    page.locator("summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [360, 1200])
def test_labels_of_spans_do_not_run_into_each_other(width, open_page):
    page = open_page(viewport={"width": width, "height": 700})
    for text in page.locator(".spans").all():
        boxes = [label.bounding_box() for label in text.locator(".start").all()]
        for a, b in combinations(boxes, 2):
            apart = (
                a["x"] + a["width"] <= b["x"] + 1
                or b["x"] + b["width"] <= a["x"] + 1
                or a["y"] + a["height"] <= b["y"] + 1
                or b["y"] + b["height"] <= a["y"] + 1
            )
            assert apart


def test_the_keyboard_selects_the_texts_with_errors(open_page):
    page = open_page()
    shown = lambda: [t.split()[1] for t in page.locator("article:visible h3").all_inner_texts()]  # noqa: E731
    assert shown() == ["2", "3", "1"]
    page.locator("#show-all").focus()
    expected = {"wrong": ["2", "3"], "missed": ["2"], "extra": ["2", "3"], "right": ["1"]}
    for texts in expected.values():
        page.keyboard.press("ArrowRight")
        assert shown() == texts

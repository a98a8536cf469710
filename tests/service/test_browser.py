"""The page in headless Chromium: `make browser` installs what it needs."""

import re

import pytest

from tests.conftest import SENTENCES
from tests.pipeline.gliner.gliners import make_pipeline, make_random
from tests.service.conftest import BAD_WORD, serving

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
expect = sync_api.expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MARKUP = "<img src=x onerror=alert(1)> & <b>Mira</b> </script><script>alert(2)</script>"


@pytest.fixture(scope="module")
def url(rules):
    with serving(rules, max_text_length=2000) as client:
        yield str(client.base_url)


@pytest.fixture
def open_page(chromium):
    """A function that opens a page; what it complains about, or loads from elsewhere, fails."""
    contexts, problems = [], []

    def open_at(url, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: problems.append(message.text) if is_bad(message) else 0)
        page.on(
            "request", lambda request: problems.append(request.url) if is_foreign(request) else 0
        )
        page.goto(url)
        return page

    def is_bad(message):
        # Chromium also logs every answer with a status of 400 or more, and those that it lacks.
        return message.type == "error" and "Failed to load resource" not in message.text

    def is_foreign(request):
        return not re.match(r"http://127\.0\.0\.1:\d+/", request.url)

    yield open_at
    for context in contexts:
        context.close()
    assert not problems


def annotate(page, text):
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"\d ms"))


def entities_of(page):
    return page.get_by_label("Entities").locator("mark").all_inner_texts()


def test_a_text_and_its_annotations(url, open_page):
    page = open_page(url)
    annotate(page, "Mira met Sanjay 👩‍👩‍👧 in Zürich.")
    assert entities_of(page) == ["Mira NAME", "Sanjay NAME", "Zürich NAME"]
    spans = page.get_by_label("Spans: sc")
    assert spans.locator(".bar.first").all_inner_texts() == ["ALL", "FIRST"]
    # The longer span is in a row of its own, below all tokens.
    assert spans.locator(".column").count() == spans.locator(".bar.full").count() - 1
    categories = page.get_by_label("Categories")
    assert categories.locator(".name").all_inner_texts()[0] in ("LONG", "SHORT")
    assert re.fullmatch(r"\d+\.\d %", categories.locator(".score").first.inner_text())
    assert page.get_by_label("Parse").locator(".arc").count() >= 4
    pieces = page.get_by_label("Tokens and pieces")
    assert pieces.locator(".token").first.inner_text().split() == ["Mira", "PROPN"]
    assert "".join(pieces.locator(".piece").all_inner_texts()).startswith("▁Mi")


def test_the_keyboard_is_enough(url, open_page):
    page = open_page(url)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Ada wrote to Charles.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("5 tokens in")
    assert entities_of(page) == ["Ada NAME", "Charles NAME"]
    names = []
    for _ in range(3):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent"))
    assert names == ["Annotate", "Example", "Copy JSON"]


def test_copying(url, open_page):
    page = open_page(url, permissions=["clipboard-read", "clipboard-write"])
    copy = page.get_by_role("button", name="Copy JSON")
    expect(copy).to_be_disabled()
    annotate(page, "Mira is here.")
    copy.click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText().then(JSON.parse)")["ents"] == [
        {"start": 0, "end": 4, "label": "NAME", "text": "Mira"}
    ]


def test_errors_are_shown(url, open_page):
    page = open_page(url)
    alert = page.get_by_role("alert")
    page.get_by_label("Text", exact=True).fill(f"How {BAD_WORD}!")
    page.get_by_role("button", name="Annotate").click()
    expect(alert).to_contain_text("E850")
    page.get_by_label("Text", exact=True).fill("x" * 2001)
    page.get_by_role("button", name="Annotate").click()
    expect(alert).to_contain_text("E844")
    page.get_by_role("button", name="Example").click()
    expect(alert).to_be_hidden()


def test_a_service_that_has_stopped(blank, open_page):
    with serving(blank) as client:
        page = open_page(str(client.base_url))
    page.get_by_role("button", name="Annotate").click()
    expect(page.get_by_role("alert")).to_contain_text("can't be reached")


def test_markup_is_text(url, open_page):
    page = open_page(url)
    annotate(page, MARKUP)
    shown = page.get_by_label("Entities").locator(".text").inner_text()
    assert re.sub(r" NAME\b", "", shown) == MARKUP
    assert page.locator("#results img, #results b, #results script").count() == 0


def test_a_long_text_is_shown_in_part(url, open_page):
    page = open_page(url, viewport={"width": 360, "height": 800})
    annotate(page, "Mira left. " * 180)
    assert page.get_by_label("Spans: sc").locator(".column").count() == 400
    assert page.get_by_label("Parse").locator("svg .word").count() == 200
    expect(page.get_by_label("Spans: sc")).to_contain_text("140 more tokens")
    assert page.locator("mark").count() == 180


@pytest.mark.parametrize(("text", "first_is_left"), [("Ada wrote.", True), ("עדה כתבה.", False)])
def test_the_direction_of_a_text(url, open_page, text, first_is_left):
    page = open_page(url)
    annotate(page, text)
    for words in ("svg .word", ".token", ".column"):
        first, second = (page.locator(words).nth(i).bounding_box()["x"] for i in (0, 1))
        assert (first < second) == first_is_left, words
    # The arrow points to the second word, which depends on the first.
    arrow = page.locator("svg .arrow").first.bounding_box()["x"]
    heads = [page.locator("svg .word").nth(i).bounding_box()["x"] for i in (0, 1)]
    assert abs(arrow - heads[1]) < abs(arrow - heads[0])


@pytest.mark.parametrize("text", [SENTENCES[0], "Long" * 300, MARKUP, " ", ""])
def test_narrow_screens_do_not_scroll_sideways(url, open_page, text):
    page = open_page(url, viewport={"width": 360, "height": 720})
    annotate(page, text)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_dark_and_light(url, open_page):
    brightness = {}
    for scheme in ("dark", "light"):
        page = open_page(url, color_scheme=scheme)
        annotate(page, SENTENCES[0])
        assert page.screenshot(full_page=True).startswith(b"\x89PNG")
        for name, place in (("page", "body"), ("entity", "mark"), ("field", "textarea")):
            color = page.evaluate(
                f"getComputedStyle(document.querySelector('{place}')).backgroundColor"
            )
            brightness[scheme, name] = sum(map(float, re.findall(r"[\d.]+", color)[:3]))
    for name in ("page", "entity", "field"):
        assert brightness["dark", name] + 250 < brightness["light", name]


def test_labels(tmp_path, tiny_config, tiny_tokenizer, open_page):
    folder = make_random(tmp_path / "gliner", tiny_config, tiny_tokenizer)
    with serving(make_pipeline(folder, labels=["person, old"], threshold=0.01)) as client:
        page = open_page(str(client.base_url))
        labels = page.get_by_label("Labels to look for")
        expect(labels).to_have_value("person, old")
        annotate(page, SENTENCES[0])
        shown = page.locator("mark .label").all_inner_texts()
        assert shown
        assert all(label.startswith("person, old") for label in shown)
        labels.fill("company, place,")
        annotate(page, SENTENCES[0])
        found = page.locator("mark .label").all_inner_texts()
        assert found
        assert all(re.match(r"(company|place) \d", label) for label in found)

"""The page without a browser: its text, its files and its headers."""

import re

import pytest
import spacy

from spacy_deberta.service.web_page import STATIC
from tests.service.conftest import serving

URL = re.compile(r"""(?:href|src)="([^"]*)"|from "([^"]+)"|url\(([^)]+)\)""")


@pytest.fixture(scope="module")
def client():
    nlp = spacy.blank("en", meta={"name": "<b>bold</b>"})
    nlp.add_pipe("sentencizer", name="<script>alert(1)</script>")
    with serving(nlp) as client:
        yield client


def test_names_are_text(client):
    text = client.get("/").text
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert "<script>alert" not in text


def test_nothing_is_loaded_from_elsewhere(client):
    page = client.get("/")
    files = sorted(STATIC.iterdir())
    texts = [page.text, *(path.read_text(encoding="utf-8") for path in files)]
    found = ["".join(match) for text in texts for match in URL.findall(text)]
    assert len(found) >= 10
    for url in found:
        assert "//" not in url
        path = f"static/{url.removeprefix('./')}" if url.startswith("./") else url
        assert client.get(f"/{path}").status_code == 200
    # Only the name of SVG's elements.
    external = {url for text in texts for url in re.findall(r"https?://[^\s\"'<>]+", text)}
    assert external == {"http://www.w3.org/2000/svg"}


def test_headers(client):
    for path in ("/", "/static/page.js", "/pipeline", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert "javascript" in client.get("/static/page.js").headers["Content-Type"]


def test_scripts_make_no_markup_of_text():
    for path in STATIC.glob("*.js"):
        script = path.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script
        )

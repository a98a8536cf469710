import re
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import PATHS, ROOT, read_page

LINKED = (*PATHS, ROOT / "CHANGELOG.md")
pages = pytest.mark.parametrize("path", LINKED, ids=[read_page(path).name for path in LINKED])


def problem_of(link, page):
    """The problem of a link within the repository, or None."""
    parts = urlsplit(link)
    if parts.scheme:
        return None if parts.scheme == "https" else "not https"
    target = (page.parent / parts.path).resolve() if parts.path else page
    if not target.exists():
        return "no such file"
    if parts.fragment and parts.fragment not in read_page(target).anchors:
        return "no such anchor"
    return None


@pages
def test_links_lead_somewhere(path):
    problems = {link: problem_of(link, path) for link in read_page(path).links}
    assert not {link: problem for link, problem in problems.items() if problem}


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("docs/nowhere.md", "no such file"),
        ("docs/training.md#nothing", "no such anchor"),
        ("#nothing", "no such anchor"),
        ("http://example.org", "not https"),
        ("docs/training.md#memory", None),
    ],
)
def test_broken_links_are_noticed(link, problem):
    assert problem_of(link, ROOT / "README.md") == problem


def test_every_page_can_be_reached_from_the_index():
    index = ROOT / "docs" / "index.md"
    reached = {(index.parent / urlsplit(link).path).resolve() for link in read_page(index).links}
    assert set(PATHS) - reached <= {index}


def test_the_code_refers_to_pages_that_exist():
    references = {}
    for path in (ROOT / "spacy_deberta").rglob("*.py"):
        for link in re.findall(r"DOCS: (\S+)", path.read_text(encoding="utf-8")):
            references[link] = problem_of(link, ROOT / "README.md")
    assert len(references) >= 4
    assert not {link: problem for link, problem in references.items() if problem}


def test_an_anchor_for_github_stands_before_the_heading_of_that_name():
    for path in PATHS:
        page = read_page(path)
        own = {s.attributes["id"] for s in page.sections if "id" in s.attributes}
        generated = {section.anchor for section in page.sections if not section.attributes}
        assert page.anchors - generated <= own, page.name

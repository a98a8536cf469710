"""The documentation as a site."""

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import pytest

from tests.docs.pages import PATHS, ROOT

pytest.importorskip("mkdocs")
DOCS = ROOT / "docs"


def load_hook(name):
    spec = spec_from_file_location(name, DOCS / "site" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def formed(markdown, **meta):
    page = SimpleNamespace(meta=meta, file=SimpleNamespace(src_uri="api/page.md"))
    hook = load_hook("spacy_forms")
    return hook.on_page_markdown(markdown, page=page, config=None, files=None)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = ("-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder)
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
    return folder


@pytest.mark.slow
def test_every_page_is_in_the_site_and_its_navigation(site):
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for path in PATHS:
        is_in_docs = path.is_relative_to(DOCS)
        name = path.relative_to(DOCS if is_in_docs else ROOT).as_posix()
        name = name if is_in_docs else f"repository/{name}"
        assert f": {name}\n" in navigation
        page = name.replace("README.md", "index.md").replace(".md", ".html")
        assert (site / page).is_file()


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PATHS)
    for path in pages:
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:img|script|iframe)\b[^>]*\bsrc=\"([^\"]+)\"", text)
        loaded += re.findall(r"<link\b[^>]*\brel=\"(?:stylesheet|icon|preconnect)\"[^>]*", text)
        assert loaded
        assert not [place for place in loaded if "//" in place], path


@pytest.mark.slow
def test_spacys_forms_are_not_left_as_text(site):
    for path in (site / "api").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"~~|\\\||tag=&quot;|tag=\"", text.replace("data-tag=", "")), path


def test_code_keeps_what_looks_like_a_form():
    code = '```text\n## name {id="name",tag="method"}\n~~str~~ [a](b.md)\n```\n'
    assert formed(code) == code
    hook = load_hook("repository_pages")
    for start in ("", "    ", "> "):
        nested = "".join(f"{start}{line}\n" for line in code.splitlines())
        assert hook.replace_links(nested, str.upper) == nested


def test_forms_of_spacys_pages():
    heading = '<a id="init"></a>\n## Name.\\_\\_init\\_\\_ {id="init",tag="method"}\n'
    assert formed(heading) == '## Name.\\_\\_init\\_\\_ { #init data-tag="method" }\n'
    assert formed("| a | ~~list[str \\| int]~~ |\n") == "| a | `list[str | int]`{ .type } |\n"
    aside = "> #### Example\n>\n> ```python\n> print()\n> ```\n\nText\n"
    expected = '!!! example "Example"\n\n\n    ```python\n    print()\n    ```\n\nText\n'
    assert formed(aside) == expected
    facts = {"title": "Name", "teaser": "A class", "tag": "class", "version": "0.1"}
    assert formed("Text\n", source="a/b.py", **facts).splitlines()[:5] == [
        *("# Name", "", "A class.", "", "class · since 0.1 · [source](../../a/b.py)")
    ]


@pytest.mark.parametrize("name", ["docs/api/cli.md", "setup.cfg", "LICENSE", "configs", "projects"])
def test_a_page_is_made_of_one_file(name):
    hook = load_hook("repository_pages")
    uri = hook.uri_of(ROOT / name)
    assert uri.endswith(".md")
    assert hook.path_of(uri) == ROOT / name

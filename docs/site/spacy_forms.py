"""A hook of MkDocs: the forms of spaCy's pages, which other readers of Markdown leave as text.

- The front matter of a page of the reference becomes its heading and a line below.
- `## name {id="init",tag="method"}` gets this anchor and tag.
- `~~list[str]~~` is a type.
- A quotation with a heading is an aside.
"""

import re
from collections.abc import Callable
from posixpath import dirname, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

_FENCE = re.compile(r"^\s*(```+)")
_HEADING = re.compile(r"^(#{1,6} .+?)\s*\{(\w+=.+)\}\s*$")
_ASIDE = re.compile(r"^> #+ (.+)$")
_ANCHOR = re.compile(r'^<a id="([^"]+)"></a>$')
_TYPE = re.compile(r"~~(.+?)~~")
_CODE = re.compile(r"`[^`]+`")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Anchors of headings are those that GitHub makes."""
    config.mdx_configs["toc"]["slugify"] = slugify(case="lower")
    return config


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the forms in the syntax of Python-Markdown."""
    lines = outside_of_code(indent_asides(markdown.splitlines()), form_line)
    lines = without_anchors_of_headings(lines)
    if "teaser" in page.meta:
        lines = [*introduction(page), *lines]
    return "\n".join(lines) + "\n"


def introduction(page: Page) -> list[str]:
    """The heading of a page of the reference, with its teaser and source."""
    meta = page.meta
    source = relpath(f"../{meta['source']}", dirname(page.file.src_uri) or ".")
    facts = [str(meta["tag"]), f"since {meta['version']}", f"[source]({source})"]
    if "api_string_name" in meta:
        facts.insert(1, f"`{meta['api_string_name']}`")
    return [f"# {meta['title']}", "", f"{meta['teaser']}.", "", " · ".join(facts), "{ .facts }", ""]


def outside_of_code(lines: list[str], change: Callable[[str], str]) -> list[str]:
    """Apply a function to all lines that are not in fenced code."""
    changed = []
    fence = ""
    for line in lines:
        match = _FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif match:
            fence = match[1]
        else:
            line = change(line)
        changed.append(line)
    return changed


def form_line(line: str) -> str:
    """One line of text: the attributes of a heading, types, and code in tables."""
    if heading := _HEADING.match(line):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', heading[2]))
        tag = f' data-tag="{attributes["tag"]}"' if "tag" in attributes else ""
        return f"{heading[1]} {{ #{attributes['id']}{tag} }}"
    line = _TYPE.sub(r"`\1`{ .type }", line)
    # Python-Markdown knows that code in a table has no borders of cells.
    return _CODE.sub(lambda code: code[0].replace("\\|", "|"), line)


def indent_asides(lines: list[str]) -> list[str]:
    """Make an admonition of each quotation that begins with a heading."""
    indented = []
    is_aside = False
    for line in lines:
        title = _ASIDE.match(line)
        if title:
            indented += [f'!!! example "{title[1]}"', ""]
            is_aside = True
        elif is_aside and line.startswith(">"):
            indented.append(f"    {line[2:]}".rstrip())
        else:
            is_aside = False
            indented.append(line)
    return indented


def without_anchors_of_headings(lines: list[str]) -> list[str]:
    """Leave out the anchors that GitHub needs where the heading has an `id` of its own."""
    own = {match[1] for line in lines if (match := re.search(r"\{ #([\w-]+)", line))}
    return [line for line in lines if not ((a := _ANCHOR.match(line)) and a[1] in own)]

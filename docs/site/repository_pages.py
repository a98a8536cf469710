"""A hook of MkDocs: what pages link to outside of `docs` becomes a page under `repository/`.

Markdown stays as it is, other files are shown as code, and folders as their README or a list.
"""

import re
from collections.abc import Callable
from pathlib import Path
from posixpath import dirname, relpath
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
FOLDER = "repository"
LANGUAGES = {".cfg": "ini", ".py": "python", ".txt": "text", ".yml": "yaml", ".jsonl": "json"}
# Code is found by the pages that link to it.
NO_SEARCH = "---\nsearch:\n  exclude: true\n---\n\n"

_FENCED = re.compile(r"^([> ]*)(```+)[^\n]*\n.*?^\1\2[ ]*$", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()[^()\s]+(?=\))")
# Of the reference; `spacy_forms` makes a link of it.
_SOURCE = re.compile(r"\A---\n.*?^source: (\S+)$.*?^---$", flags=re.MULTILINE | re.DOTALL)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for everything that the pages of `docs`, and the added ones, link to."""
    known = {file.src_uri for file in files}
    waiting = [path_of(file.src_uri) for file in files.documentation_pages()]
    while waiting:
        path = waiting.pop()
        for target in linked(path):
            uri = uri_of(target)
            if uri not in known and not target.is_relative_to(DOCS):
                known.add(uri)
                waiting.append(target)
                files.append(File.generated(config, uri, content=content_of(target)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to the pages of the site."""
    path = path_of(page.file.src_uri)
    folder = dirname(page.file.src_uri)

    def resolve(link: str) -> str:
        target = target_of(link, path)
        if target is None:
            return link
        fragment = urlsplit(link).fragment
        return relpath(uri_of(target), folder or ".") + (f"#{fragment}" if fragment else "")

    return replace_links(markdown, resolve)


def replace_links(markdown: str, resolve: Callable[[str], str]) -> str:
    """Replace the targets of links that are not in fenced code."""
    parts = []
    end = 0
    for fenced in _FENCED.finditer(markdown):
        parts += [_LINK.sub(lambda link: resolve(link[0]), markdown[end : fenced.start()])]
        parts += [fenced[0]]
        end = fenced.end()
    parts += [_LINK.sub(lambda link: resolve(link[0]), markdown[end:])]
    return "".join(parts)


def linked(path: Path) -> list[Path]:
    """The files and folders that a page links to; that of its `source` is one of them."""
    text = content_of(path)
    found = [ROOT / source for source in _SOURCE.findall(text)]

    def note(link: str) -> str:
        target = target_of(link, path)
        if target is not None and target.exists():
            found.append(target)
        return link

    replace_links(text, note)
    return found


def target_of(link: str, path: Path) -> Path | None:
    """The file or folder that a link of a page leads to; None for another site or the page."""
    parts = urlsplit(link)
    if parts.scheme or not parts.path:
        return None
    folder = path if path.is_dir() else path.parent
    return (folder / parts.path).resolve()


def content_of(path: Path) -> str:
    """The Markdown of a file's or folder's page."""
    if path.is_dir() and (path / "README.md").is_file():
        path = path / "README.md"
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    title = f"# {path.relative_to(ROOT).as_posix()}"
    if path.is_dir():
        names = [child.name for child in sorted(path.iterdir()) if is_listed(child)]
        return "\n".join([title, "", *(f"- [{name}]({name})" for name in names), ""])
    text = path.read_text(encoding="utf-8")
    language = LANGUAGES.get(path.suffix, "text")
    return f"{NO_SEARCH}{title}\n\n````{language}\n{text.rstrip()}\n````\n"


def is_listed(path: Path) -> bool:
    """Whether the page of a folder names a file or folder in it."""
    return not path.name.startswith(".") and (path.is_file() or (path / "README.md").is_file())


def uri_of(path: Path) -> str:
    """The name of a file's or folder's page within the sources of the site."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    uri = f"{FOLDER}/{path.relative_to(ROOT).as_posix()}"
    if path.is_dir():
        return f"{uri}/README.md"
    return uri if path.suffix == ".md" else f"{uri}.md"


def path_of(uri: str) -> Path:
    """The file or folder of a page: the inverse of `uri_of`."""
    if not uri.startswith(f"{FOLDER}/"):
        return DOCS / uri
    path = ROOT / uri.removeprefix(f"{FOLDER}/")
    if path.exists():
        return path
    return path.parent if path.name == "README.md" else path.with_suffix("")

"""Reading the documentation: blocks of code, headings, tables and links of Markdown pages."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATHS = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)

_FENCE = re.compile(r"^(```+)\s*(\w*)\s*$")
_NOT_RUN = re.compile(r"<!--\s*not run:\s*(.+?)\s*-->")
_NEEDS = re.compile(r"<!--\s*needs:\s*(\w+)\s*-->")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*(?:\{(.+)\})?\s*$")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its fence, counted from 1.

    `needs` is a module of another package, which is not among those of developers.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: str | None
    needs: str | None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass
class Section:
    """A heading and what follows it, up to the next heading."""

    level: int
    title: str
    attributes: dict[str, str]
    rows: list[list[str]] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """The anchor of the heading on GitHub."""
        text = re.sub(r"[^\w\- ]", "", self.title.replace("`", "").lower())
        return text.replace(" ", "-")


@dataclass
class Page:
    path: Path
    front_matter: dict[str, str]
    blocks: list[Block]
    sections: list[Section]
    links: list[str]
    anchors: set[str]

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


@cache
def read_page(path: Path) -> Page:
    lines = path.read_text(encoding="utf-8").splitlines()
    page = Page(path, _front_matter(lines), [], [], [], set())
    prose: list[str] = []
    code: list[str] = []
    fence, opened, language, not_run, needs = "", 0, "", None, None
    for number, raw in enumerate(lines, start=1):
        line = re.sub(r"^> ?", "", raw)
        match = _FENCE.match(line)
        if fence:
            if match and match[1] == fence and not match[2]:
                text = "\n".join(code) + "\n"
                page.blocks.append(Block(page.name, opened, language, text, not_run, needs))
                fence, not_run, needs = "", None, None
            else:
                code.append(line)
            continue
        if match:
            fence, opened, language, code = match[1], number, match[2], []
            continue
        if comment := _NOT_RUN.search(line):
            not_run = comment[1]
        elif comment := _NEEDS.search(line):
            needs = comment[1]
        elif line.strip():
            not_run, needs = None, None
        prose.append(line)
        if heading := _HEADING.match(raw):  # not the headings of examples, which are quoted
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', heading[3] or ""))
            title = heading[2].replace("\\_", "_")
            page.sections.append(Section(len(heading[1]), title, attributes))
        elif line.startswith("|") and page.sections:
            cells = [cell.strip() for cell in _CELL_BORDER.split(line)[1:-1]]
            page.sections[-1].rows.append([cell.replace("\\|", "|") for cell in cells])
    assert not fence, f"{page.name}:{opened}: the block has no end"
    text = "\n".join(prose)
    page.links = _LINK.findall(text)
    page.anchors = set(_ANCHOR.findall(text))
    page.anchors |= {section.anchor for section in page.sections if not section.attributes}
    return page


def all_blocks(*languages: str) -> list[Block]:
    pages = map(read_page, PATHS)
    return [block for page in pages for block in page.blocks if block.language in languages]


def _front_matter(lines: list[str]) -> dict[str, str]:
    if lines[0] != "---":
        return {}
    end = lines.index("---", 1)
    return dict(line.split(": ", 1) for line in lines[1:end])

from html.parser import HTMLParser

import pytest

from spacy_deberta.cli.align import align
from spacy_deberta.cli.align.page import HUES, render_page
from spacy_deberta.cli.align.visible_text import visible
from spacy_deberta.text_alignment import AlignedPiece, AlignedToken, Alignment
from tests.cli.texts import TEXTS

VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """The boxes of a page, and whether every element is closed."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.boxes, self.lines, self.direction = [], [], [], None
        self.feed(page)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag not in ("script", "b"), "no script, and no markup of the text"
        assert not {"src", "href"} & set(attrs), "the page stands alone"
        if tag not in VOID:
            self.open.append(tag)
        classes = attrs.get("class", "").split()
        if "line" in classes:
            self.lines.append(attrs)
        if ("token" in classes or "piece" in classes) and "empty" not in classes:
            self.boxes.append({**attrs, "classes": classes, "text": ""})
        self.direction = attrs.get("dir", self.direction)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "bdi" and self.boxes:
            self.boxes[-1]["text"] += data

    def texts(self, kind):
        return [box["text"] for box in self.boxes if kind in box["classes"]]


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("vocabulary", ["tiny_vocabulary", "v3_vocabulary"])
def test_every_token_and_piece_is_drawn_once(text, vocabulary, request):
    alignment = align(text, model=request.getfixturevalue(vocabulary))
    page = Page(render_page(alignment))
    assert page.texts("token") == [visible(token.text) for token in alignment.tokens]
    assert page.texts("piece") == [visible(piece.piece) for piece in alignment.pieces]
    assert len(page.lines) == sum(len(token.pieces) for token in alignment.tokens)
    assert "http" not in render_page(alignment)


def test_offsets_are_in_the_titles(tiny_vocabulary):
    alignment = align("the cup", model=tiny_vocabulary)
    titles = [box["title"] for box in Page(render_page(alignment)).boxes]
    assert "token 1, characters 4:7" in titles
    for i, piece in enumerate(alignment.pieces):
        note = f", covers “{piece.text}”" if piece.text else ", no token"
        assert f"piece {i}, characters {piece.start}:{piece.end}{note}" in titles


def test_direction_is_that_of_the_text(tiny_vocabulary):
    for text, direction in [("the cup", "ltr"), ("12 שלום the", "rtl"), ("12", "ltr")]:
        assert Page(render_page(align(text, model=tiny_vocabulary))).direction == direction


def columns(box):
    row, start, _, end = (part.strip() for part in area(box).split("/"))
    return int(row), int(start), int(end)


def area(box):
    return box["style"].split("grid-area:")[1].split(";")[0]


def test_a_shared_piece_is_drawn_under_both_tokens(v3_vocabulary):
    boxes = Page(render_page(align("can't", model=v3_vocabulary))).boxes
    assert {box["text"]: columns(box) for box in boxes} == {
        "ca": (1, 1, 2),
        "n't": (1, 2, 5),
        "▁can": (3, 1, 3),
        "'": (3, 3, 4),
        "t": (3, 4, 5),
    }
    (shared,) = (box for box in boxes if "shared" in box["classes"])
    assert "shared by tokens 0, 1" in shared["title"]
    assert f"--tints: hsl({HUES[0]} var(--tint)), hsl({HUES[1]} var(--tint))" in shared["style"]


def test_pieces_of_the_same_characters_do_not_cover_each_other():
    # Two bytes of one letter and its accent, which are two tokens.
    tokens = (AlignedToken("e", 0, 1, (0, 1)), AlignedToken("\u0301", 1, 2, (0, 1)))
    pieces = tuple(AlignedPiece(f"<{i}>", i, "e\u0301", 0, 2, (0, 1)) for i in range(2))
    page = Page(render_page(Alignment("<script>", "en", "e\u0301", tokens, pieces)))
    cells = [(columns(box)[0], column) for box in page.boxes for column in range(*columns(box)[1:])]
    assert len(cells) == len(set(cells))


def test_page_is_written_whole_or_not_at_all(spacy_cli, fails, tmp_path, tiny_vocabulary):
    path = tmp_path / "page.html"
    path.write_text("old")
    args = ("deberta", "align", "the <cup>", "-m", tiny_vocabulary, "--html")
    result = spacy_cli(*args, path)
    assert result.exit_code == 0, result.output
    assert "Saved the page" in result.stdout
    assert path.read_text(encoding="utf8") == render_page(align("the <cup>", model=tiny_vocabulary))
    assert "E503" in fails(*args, tmp_path / "missing" / "page.html")
    (tmp_path / "folder").mkdir()
    assert "E503" in fails(*args, tmp_path / "folder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "page.html"]

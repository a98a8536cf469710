import html
import json
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import spacy
from jinja2 import DictLoader
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus, Example

from spacy_deberta.cli import visualize
from spacy_deberta.cli.report import sort_scores, texts
from spacy_deberta.cli.report.page import KINDS
from spacy_deberta.cli.report.prediction_views import show_categories, show_tokens
from spacy_deberta.cli.report.shown_text import ShownText, View
from spacy_deberta.cli.report.verdicts import VERDICT_NAMES
from spacy_deberta.pages import make_environment
from tests.pipeline.checkpoints import make_pipeline as make_component
from tests.pipeline.checkpoints import save_checkpoint
from tests.pipeline.pipelines import make_examples, make_pipeline

pytestmark = pytest.mark.slow

VOID = {"meta", "br", "input"}
# What is said about a prediction, beside it.
VERDICT = "verdict"
HEADS = ("ner", "tagger")


class Page(HTMLParser):
    """A page taken apart; fails on tags that are not closed in their order."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.links, self.rows, self.marks = [], [], [], []
        self.open, self.text, self.verdicts = [], "", []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            is_verdict = "verdict" in (dict(attrs).get("class") or "").split()
            self.open.append(VERDICT if is_verdict else tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        elif tag == "mark":
            self.marks.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "article":
            self.verdicts.append([])
        self.links += [value for name, value in attrs if name in ("href", "xlink:href", "src")]

    def handle_endtag(self, tag):
        assert self.open.pop() in (tag, VERDICT)

    def handle_data(self, data):
        self.text += data
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data}".strip()
        if VERDICT in self.open:
            self.verdicts[-1].append(data.strip())
        elif "mark" in self.open:
            self.marks[-1] += data.strip() + " "

    def count(self, tag, css_class):
        return sum(t == tag and css_class in (a.get("class") or "").split() for t, a in self.tags)


def annotate(doc, entities=()):
    """Gold annotations of every kind."""
    doc.set_ents([doc.char_span(start, end, label=label) for start, end, label in entities])
    doc.spans["sc"] = [Span(doc, 0, 1, "START"), Span(doc, 0, 3, "REST")]
    doc.cats = {"LONG": float(len(doc) > 8), "SHORT": float(len(doc) <= 8)}
    for token in doc:
        token.head = doc[max(token.i - 1, 0)]
        token.dep_ = "dep" if token.i else "ROOT"
    return doc


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_checkpoint):
    """A pipeline of five kinds of predictions, trained for some steps, its data and its metrics."""
    folder = tmp_path_factory.mktemp("visualize")
    spacy.util.fix_random_seed(0)
    nlp = make_pipeline(tiny_checkpoint, heads=HEADS)
    for name in ("textcat", "spancat", "parser"):
        nlp.add_pipe(name)
    docs = [example.reference for example in make_examples(nlp)]
    for doc in docs:
        annotate(doc, [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents])
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "dev.spacy")
    optimizer = nlp.initialize(lambda: list(Corpus(folder / "dev.spacy")(nlp)))
    optimizer.learn_rate = 0.002
    with nlp.select_pipes(disable="parser"):
        for _ in range(40):
            nlp.update(list(Corpus(folder / "dev.spacy")(nlp)), sgd=optimizer, losses={})
    nlp.meta.update(name="five", version="1.2.3")
    nlp.to_disk(folder / "five")
    return folder


def write_log(path, steps=4):
    """What `spacy.ConsoleLogger.v3` writes."""
    rows = [
        {
            "epoch": i,
            "step": 50 * i,
            "losses": {"transformer": 9.5 / (i + 1), "ner": 4.0 / (i + 1)},
            "scores": {"ents_f": 12.5 * i, "cats_score": None},
            "score": 0.125 * i,
        }
        for i in range(steps)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def percent(value):
    return "–" if value is None else f"{100 * value:.1f}"


def test_scores_are_those_of_spacys_own_command(spacy_cli, folder, tmp_path):
    metrics = tmp_path / "metrics.json"
    data = folder / "dev.spacy"
    assert not spacy_cli("benchmark", "accuracy", folder / "five", data, "-o", metrics).exit_code
    page = tmp_path / "page.html"
    args = ("deberta", "visualize", folder / "five", data, page)
    result = spacy_cli(*args, "--metrics", metrics)
    assert result.exit_code == 0, result.output
    assert "6 texts" in result.stdout
    scores = json.loads(metrics.read_text())
    rows = Page(page).rows
    for name, key in [("Entities", "ents"), ("Spans “sc”", "spans_sc"), ("Sentences", "sents")]:
        assert [name, *(percent(scores[f"{key}_{part}"]) for part in "prf")] in rows
    assert ["Tags, accuracy", percent(scores["tag_acc"])] in rows
    assert ["Labelled attachment", percent(scores["dep_las"])] in rows
    assert scores["ents_per_type"]
    for key in ("ents_per_type", "spans_sc_per_type", "cats_f_per_type", "dep_las_per_type"):
        for label, score in scores[key].items():
            assert [label, *(percent(score[part]) for part in "prf")] in rows
    for label, score in scores["cats_auc_per_type"].items():
        assert [label, percent(score)] in rows
    # Without the file, the command computes the same.
    assert spacy_cli(*args).exit_code == 0
    computed = Page(page).rows
    speed = "Words per second"
    assert [r for r in computed if r[0] != speed] == [r for r in rows if r[0] != speed]


def test_the_page_tells_what_the_pipeline_is_and_needs_nothing_else(folder, tmp_path):
    output = tmp_path / "page.html"
    log = write_log(tmp_path / "log.jsonl")
    report = visualize(folder / "five", folder / "dev.spacy", output, log=log)
    assert report.count == len(report.texts) == 6
    page = Page(output)
    assert "en_five" in page.text
    assert "1.2.3" in page.text
    assert "transformer, ner, tagger, textcat, spancat, parser" in page.text
    assert str(folder / "dev.spacy") in page.text
    assert page.count("div", "plot") == 6, "bars of four kinds of labels, two of the training"
    assert page.links
    assert all(link.startswith("#") for link in page.links)
    assert all(link.startswith("(#") for link in re.findall(r"url(\([^)]*)", page.source))
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in page.tags}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    targets = {link.removeprefix("#") for link in page.links}
    assert targets <= set(ids)
    assert all(ids.count(target) == 1 for target in targets if not re.match("m[0-9a-f]", target))
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".jsonl"] == ["page.html"]


def test_each_text_shows_what_the_pipeline_finds(folder, tmp_path):
    output = tmp_path / "page.html"
    visualize(folder / "five", folder / "dev.spacy", output)
    page = Page(output)
    nlp = spacy.load(folder / "five")
    gold = list(Corpus(folder / "dev.spacy")(nlp))
    docs = [nlp(example.reference.text) for example in gold]
    marks = []
    for doc, example in zip(docs, gold, strict=True):
        found, known = ([f"{e.text} {e.label_} " for e in d.ents] for d in (doc, example.reference))
        marks += found if found == known else found + known
        for label, score in doc.cats.items():
            row = [label, f"{example.reference.cats[label]:.0f}", f"{score:.3f}"]
            assert row in [row[:3] for row in page.rows]
        assert [doc[0].text, doc[0].tag_] in [[*row[:1], row[1].split()[0]] for row in page.rows]
    assert sorted(mark.split() for mark in page.marks) == sorted(mark.split() for mark in marks)
    assert page.count("article", "card") == 6
    starts = sum(len(doc.spans["sc"]) for doc in docs)
    assert page.text.count("START") + page.text.count("REST") >= starts
    assert page.count("svg", "displacy") <= 3


@pytest.fixture
def rules(tmp_path):
    """A pipeline whose predictions are known, and a function that writes data for it."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "CITY", "pattern": "Lyon"}, {"label": '<i a="&">', "pattern": "<b>"}]
    )
    config = {"spans_key": "<k>"}
    nlp.add_pipe("span_ruler", config=config).add_patterns([{"label": "<s>&", "pattern": "Lyon"}])
    nlp.meta["name"] = "<pipe>"
    nlp.to_disk(tmp_path / "rules")

    def write(*texts, entities=()):
        docs = [nlp.make_doc(text) for text in texts]
        for doc in docs:
            doc.set_ents([doc.char_span(*entity) for entity in entities])
        DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
        return tmp_path / "rules", tmp_path / "data.spacy", tmp_path / "page.html"

    return write


def test_gold_stands_below_where_it_differs(rules):
    files = rules("She lives in Lyon.", entities=[(13, 17, "CITY")])
    visualize(*files)
    page = Page(files[-1])
    assert [mark.split() for mark in page.marks] == [["Lyon", "CITY"]]
    assert "same as gold" in page.text
    files = rules("She lives in Lyon.", entities=[(0, 3, "PERSON")])
    visualize(*files)
    page = Page(files[-1])
    assert [mark.split() for mark in page.marks] == [["Lyon", "CITY"], ["She", "PERSON"]]
    assert "same as gold" not in page.text


def test_nothing_from_data_becomes_markup(rules, tmp_path):
    metrics, log = tmp_path / "<script>m&amp;.json", tmp_path / "log.jsonl"
    prf = {"p": 0.5, "r": None, "f": 0.25}
    types = {"<u>$x_$": prf, "_\ud800": prf, "猫": prf}
    metrics.write_text(json.dumps({"<em>": 0.5, "ents_per_type": types, "x_per_type": types}))
    row = {"step": 1, "losses": {"<q>": 1.0}, "scores": {"<p>$y$": 2.0, "_p": 1.0}, "score": 0.1}
    log.write_text(json.dumps(row))
    files = rules("A <b> & \x00 &amp; </article> in Lyon \u202e.", "<script>alert(1)</script>")
    visualize(*files, metrics=metrics, log=log)
    page = Page(files[-1])
    tags = {tag for tag, _ in page.tags}
    assert not {"b", "i", "s", "k", "u", "em", "q", "p0", "pipe", "script"} & tags
    assert page.count("article", "card") == 2
    shown = ["<pipe>", "&amp; </article>", "<script>alert(1)</script>", "<k>", "<s>&"]
    for text in [*shown, "<script>m&amp;.json"]:
        assert text in page.text
    assert ["<b>", "<i", 'a="&">'] in [mark.split() for mark in page.marks]
    for name in ["<em>", "<u>$x_$", "_\ufffd", "猫", "<q>", "<p>$y$", "_p"]:
        assert name in page.text
    assert "\x00" not in page.source


def test_a_view_of_another_kind_can_be_added(rules, monkeypatch):
    files = rules("She lives in Lyon.")
    templates = {"mine.html": '<p class="mine">{{ view.count }}</p>'}
    loader = make_environment("spacy_deberta.cli.report").loader
    monkeypatch.setattr(loader, "loaders", [*loader.loaders, DictLoader(templates)])
    view = lambda text: [View("mine.html", {"count": len(text.example.predicted)}, None)]  # noqa: E731
    monkeypatch.setattr(texts, "DOC_VIEWS", (view,))
    visualize(*files)
    assert '<p class="mine">5</p>' in files[-1].read_text(encoding="utf-8")


def test_texts_without_predictions_are_shown_as_they_are(tmp_path):
    nlp = spacy.blank("ar")
    nlp.to_disk(tmp_path / "blank")
    DocBin(docs=[nlp.make_doc("قطة < كلب")]).to_disk(tmp_path / "data.spacy")
    visualize(tmp_path / "blank", tmp_path / "data.spacy", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert "قطة < كلب" in page.text
    (article,) = [attributes for tag, attributes in page.tags if tag == "article"]
    assert article["dir"] == "rtl"


def test_with_many_categories_the_best_and_the_gold_ones_are_shown(tmp_path):
    nlp = spacy.blank("en")

    @spacy.Language.component("many_categories", assigns=["doc.cats"])
    def set_categories(doc: Doc) -> Doc:
        doc.cats = {f"c{i}": i / 100 for i in range(77)}
        return doc

    nlp.add_pipe("many_categories")
    nlp.to_disk(tmp_path / "pipeline")
    doc = nlp.make_doc("Where is my card?")
    doc.cats = {f"c{i}": float(i == 3) for i in range(77)}
    DocBin(docs=[doc]).to_disk(tmp_path / "data.spacy")
    visualize(tmp_path / "pipeline", tmp_path / "data.spacy", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    # The predictions are only a table, so the text has to be shown as well.
    assert page.text.count("Where is my card?") == 1
    shown = [row for row in page.rows if re.fullmatch(r"c\d+", row[0])]
    assert shown[0] == ["c76", "0", "0.760", "extra"]
    assert shown[-1] == ["c3", "1", "0.030", "missed"]
    assert len(shown) < 12


def test_limit(folder, tmp_path, spacy_cli, fails):
    args = (folder / "five", folder / "dev.spacy", tmp_path / "page.html")
    assert spacy_cli("deberta", "visualize", *args, "--limit", 0).exit_code == 0
    assert Page(args[-1]).count("article", "card") == 0
    assert "E413" in fails("deberta", "visualize", *args, "--limit", -1)


@pytest.mark.parametrize(
    ("option", "content", "cause"),
    [
        ("--metrics", None, "No such file"),
        ("--metrics", "{", "no JSON"),
        ("--metrics", "[]", "no JSON object"),
        ("--metrics", '{"ner": {"ents_f": 0.5}}', "no scores of the whole"),
        ("--log", None, "No such file"),
        ("--log", "\n", "it is empty"),
        ("--log", '{"step": 1, "losses": {}}', "line 1 has no 'scores'"),
        ("--log", '{"step": 1, "losses": 3, "scores": {}, "score": 0}', "line 1 is no step"),
        ("--log", "\nnothing", "line 2 is no step"),
    ],
)
def test_bad_files_are_named(option, content, cause, rules, tmp_path, fails):
    model, data, page = rules("She lives in Lyon.")
    page.write_text("old")
    file = tmp_path / "file.json"
    if content is not None:
        file.write_text(content)
    message = fails("deberta", "visualize", model, data, page, option, file)
    assert "E512" in message
    assert cause in message
    assert file.name in message
    assert page.read_text() == "old"


def test_bad_data_and_pipelines(rules, tmp_path, fails):
    model, data, page = rules("She lives in Lyon.")

    def message(model, data, page=page):
        return fails("deberta", "visualize", model, data, page)

    assert "no such file" in message(model, tmp_path / "missing.spacy")
    assert "end in .spacy" in message(model, model / "meta.json")
    assert "E506" in message(tmp_path / "missing", data)
    assert "E503" in message(model, data, tmp_path / "missing" / "page.html")
    content = data.read_bytes()
    for damaged in (b"text", content[:20], b""):
        data.write_bytes(damaged)
        assert "E512" in message(model, data)
    DocBin().to_disk(data)
    assert "it has no texts" in message(model, data)
    assert not page.exists()


def test_without_matplotlib_the_page_has_all_but_plots_and_says_so(
    rules, tmp_path, monkeypatch, spacy_cli
):
    files = rules("She lives in Lyon.", entities=[(13, 17, "CITY")])
    log = write_log(tmp_path / "log.jsonl")
    args = ("deberta", "visualize", *files, "--log", log)
    assert spacy_cli(*args).exit_code == 0
    complete = Page(files[-1])
    assert complete.count("div", "plot") == 3
    assert "E511" not in complete.text
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = spacy_cli(*args)
    assert result.exit_code == 0
    page = Page(files[-1])
    assert not page.count("div", "plot")
    speed = "Words per second"
    rows, expected = ([row for row in p.rows if row[0] != speed] for p in (page, complete))
    assert rows == expected
    assert page.marks == complete.marks
    for text in (page.text, " ".join(result.stderr.split())):
        assert "E511" in text
        assert "pip install 'spacy-deberta[visualize]'" in text


@pytest.mark.parametrize("multi_label", [False, True])
def test_no_score_stands_twice(multi_label):
    nlp = spacy.blank("en")
    cats = [(0.9, 0.2), (0.3, 0.7), (0.6, 0.5), (0.8, 0.1)]
    gold = [(1.0, 0.0), (0.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    examples = []
    for predicted, reference in zip(cats, gold, strict=True):
        known = dict(zip("AB", reference, strict=True))
        example = Example.from_dict(nlp.make_doc("text"), {"cats": known})
        example.predicted.cats = dict(zip("AB", predicted, strict=True))
        examples.append(example)
    metrics = Scorer.score_cats(examples, "cats", labels=["A", "B"], multi_label=multi_label)
    scores = sort_scores(metrics)
    summary = metrics["cats_score"]
    names = [name for name, value in scores.single.items() if value == f"{100 * summary:.1f}"]
    names += [name for name, (*_, f) in scores.prf.items() if f == summary]
    wanted = "area under the ROC curve (macro average)" if multi_label else "macro average"
    assert names == [f"Categories, {wanted}"]
    other = sort_scores({**metrics, "cats_score": 0.123})
    assert "12.3" in other.single.values()


def test_spans_that_overlap_have_rows_of_their_own(tmp_path):
    nlp = spacy.blank("en")
    patterns = [{"label": f"L{i}", "pattern": f"w{i} w{i + 1}"} for i in range(6)]
    patterns.append({"label": "ALL", "pattern": " ".join(f"w{i}" for i in range(7))})
    nlp.add_pipe("span_ruler", config={"spans_key": "sc"}).add_patterns(patterns)
    nlp.to_disk(tmp_path / "chain")
    doc = nlp.make_doc(" ".join(f"w{i}" for i in range(7)))
    DocBin(docs=[doc]).to_disk(tmp_path / "data.spacy")
    visualize(tmp_path / "chain", tmp_path / "data.spacy", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert page.count("span", "token") == 7
    starts = [attrs for _, attrs in page.tags if "start" in (attrs.get("class") or "").split()]
    rows = [int(re.search(r"grid-row: (\d+)", attrs["style"])[1]) for attrs in starts]
    # The first is that of all, and each of the others overlaps the one before it.
    assert len(rows) == 7
    assert rows.count(rows[0]) == 1
    assert all(row != following for row, following in pairwise(rows))
    assert 1 not in rows, "the first row has the text"
    # What is out of the flow of the text, or has a height of its own, can cover what follows.
    (drawn,) = re.findall(r'<p class="text spans".*?</p>', page.source, flags=re.DOTALL)
    assert "absolute" not in drawn
    assert "height: " not in drawn.partition(">")[2]


def test_choices_are_shown_beside_the_right_one(tmp_path, tiny_config, tiny_tokenizer):
    path = save_checkpoint(
        tmp_path / "checkpoint", "DebertaV2ForMultipleChoice", tiny_config, tiny_tokenizer
    )
    nlp, _ = make_component("deberta_multiple_choice", model={"name": str(path)})
    nlp.to_disk(tmp_path / "model")
    docs = [nlp.make_doc("What <b>is</b> it?"), nlp.make_doc("No question.")]
    docs[0]._.choices, docs[0]._.right_choice = ["red & green", "blue"], 1
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "dev.spacy")
    visualize(tmp_path / "model", tmp_path / "dev.spacy", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert ["Choice", "Right", "Predicted"] in page.rows
    scores = nlp(docs[0])._.chosen["scores"]
    assert ["red & green", "", f"{scores[0]:.3f}"] in page.rows
    assert ["blue", "✓", f"{scores[1]:.3f}"] in page.rows
    assert "What <b>is</b> it?" in page.text
    assert page.text.count("Choices,") == 1  # the accuracy of one question


def test_answers_are_shown_beside_the_right_ones(tmp_path, tiny_config, tiny_tokenizer):
    path = save_checkpoint(
        tmp_path / "checkpoint", "DebertaV2ForQuestionAnswering", tiny_config, tiny_tokenizer
    )
    nlp, answers = make_component("deberta_question_answering", model={"name": str(path)})
    nlp.to_disk(tmp_path / "model")
    docs = [nlp.make_doc("Mira <b>left</b> Lyon."), nlp.make_doc("No question.")]
    gold = [{"text": "Mira", "start": 0}]
    docs[0]._.questions = [
        {"id": "a", "question": "Who & why?", "answers": gold},
        {"id": "b", "question": "Whither?", "answers": []},
    ]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "dev.spacy")
    visualize(tmp_path / "model", tmp_path / "dev.spacy", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert ["Question", "Right", "Answer", "Score", ""] in page.rows
    for question, right in (("Who & why?", "Mira"), ("Whither?", "–")):
        (best,) = answers.answer(nlp.make_doc(docs[0].text), question)
        assert [question, right, best.text, f"{best.score:.3f}"] in [row[:4] for row in page.rows]
    assert "Answers, F1 of their words" in page.text


@pytest.fixture
def judged(tmp_path):
    """A page of texts with each kind of error, and with none."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "CITY", "pattern": "Lyon"}, {"label": "CITY", "pattern": "Porto"}]
    )
    texts = {
        "In Lyon.": [(3, 7, "CITY")],
        "From Lyon.": [(5, 9, "GPE")],
        "To Porto.": [],
        "By Ulm.": [(3, 6, "CITY")],
    }
    docs = [nlp.make_doc(text) for text in texts]
    for doc, ents in zip(docs, texts.values(), strict=True):
        doc.set_ents([doc.char_span(*ent) for ent in ents])
    nlp.to_disk(tmp_path / "pipeline")
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    return tmp_path / "pipeline", tmp_path / "data.spacy", tmp_path / "page.html"


def test_texts_with_errors_come_first_and_can_be_selected(judged):
    report = visualize(*judged)
    page = Page(judged[-1])
    assert report.wrong == 3
    assert re.findall(r"Text (\d)", page.text) == ["2", "3", "4", "1"]
    assert page.verdicts == [
        ["1 wrong label", "wrong label", "wrong label"],
        ["1 extra", "extra"],
        ["1 missed", "missed"],
        ["✓ right", "same as gold", "✓"],
    ]
    kinds = [attributes["class"] for tag, attributes in page.tags if tag == "article"]
    assert kinds == [
        *("card is-label is-wrong", "card is-extra is-wrong", "card is-missed is-wrong"),
        "card is-right",
    ]
    # Each kind has a button, and a rule that hides the others. Without the rule all are shown.
    buttons = {attributes["id"] for tag, attributes in page.tags if tag == "input"}
    assert buttons == {f"show-{kind}" for kind in ("all", *KINDS)}
    for kind in KINDS:
        assert f"main:has(#show-{kind}:checked) article:not(.is-{kind})" in page.source
    # With a limit, the right one is left out.
    visualize(*judged, limit=3)
    assert re.findall(r"Text (\d)", Page(judged[-1]).text) == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("scores", "gold", "verdicts"),
    [
        ((0.7, 0.3, 0.0), "A", {"A": "✓"}),
        ((0.7, 0.3, 0.0), "B", {"A": "wrong label"}),
        ((0.7, 0.6, 0.1), "AB", {"A": "✓", "B": "✓"}),
        ((0.7, 0.1, 0.1), "BC", {"A": "extra", "B": "missed", "C": "missed"}),
        ((0.1, 0.2, 0.3), "", {}),
    ],
)
def test_categories_are_marked(tmp_path, scores, gold, verdicts):
    nlp = spacy.blank("en")
    predicted = dict(zip("ABC", scores, strict=True))
    example = Example.from_dict(
        nlp.make_doc("text"), {"cats": {c: float(c in gold) for c in "ABC"}}
    )
    example.predicted.cats = predicted
    (view,) = show_categories(ShownText(1, example, frozenset(), 0.5))
    marked = {label: VERDICT_NAMES[kind] for label, *_, kind in view.content["rows"] if kind}
    assert marked == verdicts
    assert sum(view.errors.values()) == sum(kind != "✓" for kind in verdicts.values())


def test_curves_have_names_and_are_not_all_zero(rules, tmp_path):
    log = tmp_path / "log.jsonl"
    rows = [
        {
            "step": 3 * i,
            "losses": {"ner": 1.0 * i, "sentencizer": 0.0},
            "scores": {"ents_f": 9.0 * i, "spans_sc_p": 8.0, "ents_r": 0.0, "mine_f": 2.0},
            "score": 0.1 * i,
        }
        for i in range(3)
    ]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = rules("She lives in Lyon.")
    visualize(*files, log=log)
    page = Page(files[-1])
    scores, losses = re.findall(r'<div class="plot".*?</div>', page.source, flags=re.DOTALL)[-2:]
    names = [html.unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)<", scores)]
    assert {"Entities, F", "Spans “sc”, precision", "mine_f", "Final score"} <= set(names)
    assert "Entities, recall" not in names
    assert "sentencizer" not in losses
    assert "ner" in losses
    assert "as 0 or missing throughout: Entities, recall." in page.text
    assert "as 0 or missing throughout: sentencizer." in page.text


def test_heads_and_tags_other_than_gold_are_shown_with_the_gold_ones():
    vocab = spacy.blank("en").vocab
    words, deps = ["Mira", "left", "Lyon"], ["nsubj", "ROOT", "obj"]
    gold = Doc(vocab, words=words, tags=["N", "V", "N"], heads=[1, 1, 1], deps=deps)
    found = Doc(vocab, words=words, tags=["N", "V", "V"], heads=[1, 1, 0], deps=deps)
    assigned = frozenset(["token.tag", "token.dep", "token.head"])
    (view,) = show_tokens(ShownText(1, Example(found, gold), assigned, 0.5))
    assert view.content["columns"] == ["Tag", "Dependency", "Head"]
    assert view.content["rows"][0] == ("Mira", [("N", None), ("nsubj", None), ("left", None)])
    assert view.content["rows"][2] == ("Lyon", [("V", "N"), ("obj", None), ("Mira", "left")])
    assert view.errors == {"wrong": 2}
    unknown = Doc(vocab, words=words)
    (view,) = show_tokens(ShownText(1, Example(found, unknown), assigned, 0.5))
    assert view.errors is None

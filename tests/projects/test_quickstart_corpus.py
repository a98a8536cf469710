"""The corpus of quickstart is consistent, and its converter keeps what it reads."""

import itertools
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from benchmarks.downstream.data import load_script

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "projects" / "quickstart"
ASSETS = FOLDER / "assets"

ENTITY_LABELS = {"PERSON", "ORG", "GPE", "PRODUCT", "DATE"}
SPAN_LABELS = {"ACTOR", "EVENT", "PLACE_TIME", "OPINION"}
TOPICS = {"business", "travel", "technology", "food", "sport", "health", "culture"}

GOOD = "# food\n[Ida|PERSON] ate cake and more cake.\nACTOR: Ida\nEVENT: ate cake and more cake\n"


convert = load_script("quickstart/scripts/convert.py")


@pytest.fixture(scope="module")
def corpus():
    return convert.read_corpus(ASSETS)


@pytest.fixture(scope="module")
def splits(corpus):
    return convert.split_corpus(corpus)


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


def everything(corpus):
    return [record for records in corpus.values() for record in records]


def words(text):
    return re.findall(r"\w+", text.lower())


def labels(records):
    return Counter(a.label for r in records for a in r.entities + r.spans)


def located(records):
    return [(r.path.name, r.line) for r in records]


def test_inventories():
    assert set(convert.ENTITY_LABELS) == ENTITY_LABELS
    assert set(convert.SPAN_LABELS) == SPAN_LABELS
    assert set(convert.TOPICS) == TOPICS


def test_size(corpus):
    assert set(corpus) == {"news", "mail", "reviews", "chat", "encyclopedia"}
    assert all(len(records) >= 100 for records in corpus.values())
    assert len(everything(corpus)) >= 520


def test_splits_divide_the_corpus(corpus, splits):
    parts = [located(records) for records in splits.values()]
    assert sorted(itertools.chain(*parts)) == sorted(located(everything(corpus)))
    for records in corpus.values():
        assert [convert.split_of(i) for i in range(10)] == ["train"] * 8 + ["dev", "test"]
        shares = Counter(convert.split_of(i) for i in range(len(records)))
        assert shares["dev"] >= 10
        assert shares["test"] >= 10
    texts = {name: {r.text for r in records} for name, records in splits.items()}
    for one, other in itertools.combinations(texts.values(), 2):
        assert not one & other


def test_labels_are_frequent_enough(corpus, splits):
    total = labels(everything(corpus))
    assert set(total) == ENTITY_LABELS | SPAN_LABELS
    assert all(total[label] >= 100 for label in ENTITY_LABELS)
    assert all(total[label] >= 250 for label in SPAN_LABELS)
    for records in corpus.values():
        assert all(labels(records)[label] >= 15 for label in ENTITY_LABELS | SPAN_LABELS)
    assert all(labels(splits["train"])[label] >= 80 for label in ENTITY_LABELS | SPAN_LABELS)
    for split in ("dev", "test"):
        counts = labels(splits[split])
        assert all(counts[label] >= 10 for label in ENTITY_LABELS)
        assert all(counts[label] >= 25 for label in SPAN_LABELS)


def test_topics_are_balanced(corpus, splits):
    topics = Counter(r.topic for r in everything(corpus))
    assert set(topics) == TOPICS
    assert min(topics.values()) >= 70
    assert max(topics.values()) <= 1.2 * min(topics.values())
    for records in [*corpus.values(), splits["train"]]:
        assert min(Counter(r.topic for r in records)[t] for t in TOPICS) >= 10
    for split in ("dev", "test"):
        assert min(Counter(r.topic for r in splits[split])[t] for t in TOPICS) >= 5


def test_texts_vary(corpus):
    records = everything(corpus)
    lengths = [len(words(r.text)) for r in records]
    assert min(lengths) >= 4
    assert max(lengths) <= 45
    assert sum(n <= 8 for n in lengths) >= 20
    assert sum(n >= 20 for n in lengths) >= 60
    assert sum(not r.entities for r in records) >= 25
    written = "".join(r.text for r in records)
    assert all(character in written for character in "“”’—–…½€£éöŁ😂#@")
    assert "  " in written
    assert unicodedata.is_normalized("NFC", written)


def test_no_duplicates(corpus):
    records = everything(corpus)
    assert len({" ".join(words(r.text)) for r in records}) == len(records)
    trigrams = []
    for record in records:
        w = words(record.text)
        trigrams.append(set(zip(w, w[1:], w[2:], strict=False)))
    for (i, one), (j, other) in itertools.combinations(enumerate(trigrams), 2):
        shared = len(one & other)
        if shared:
            # far stricter than 60%: these were not made from patterns
            assert shared <= 0.3 * min(len(one), len(other)), (records[i].text, records[j].text)


def test_entities_do_not_overlap(corpus):
    for record in everything(corpus):
        for one, other in itertools.pairwise(record.entities):
            assert one.end <= other.start


def test_spans_overlap_and_nest(corpus):
    records = everything(corpus)
    assert all(1 <= len(r.spans) <= 4 for r in records)
    pairs = [p for r in records for p in itertools.combinations(r.spans, 2)]
    overlapping = [(a, b) for a, b in pairs if a.start < b.end and b.start < a.end]
    assert len(overlapping) >= 100
    crossing = [
        r for r in records for e in r.entities for s in r.spans if s.start < e.start < s.end
    ]
    assert len(crossing) >= 100


def test_all_spans_are_aligned_with_tokens(corpus, nlp):
    for record in everything(corpus):
        doc = convert.make_doc(nlp, record)
        assert doc.text == record.text
        assert len(doc.ents) == len(record.entities)
        assert len(doc.spans["sc"]) == len(record.spans)


def test_round_trip(tmp_path, splits, nlp):
    sizes = convert.convert(ASSETS, tmp_path / "new" / "corpus")
    assert sizes == {name: len(records) for name, records in splits.items()}
    files = sorted(path.name for path in (tmp_path / "new" / "corpus").iterdir())
    assert files == ["dev.spacy", "test.spacy", "train.spacy"]
    for name, records in splits.items():
        path = tmp_path / "new" / "corpus" / f"{name}.spacy"
        docs = list(DocBin().from_disk(path).get_docs(nlp.vocab))
        assert len(docs) == len(records)
        for doc, record in zip(docs, records, strict=True):
            assert doc.text == record.text
            assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == [
                (e.start, e.end, e.label) for e in record.entities
            ]
            assert [(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]] == [
                (s.start, s.end, s.label) for s in record.spans
            ]
            assert doc.cats == {topic: float(topic == record.topic) for topic in TOPICS}
            assert all(token.ent_iob_ for token in doc)  # "O", not missing


def test_categories_can_be_the_registers(tmp_path, splits, nlp):
    convert.convert(ASSETS, tmp_path, categories="register")
    docs = list(DocBin().from_disk(tmp_path / "test.spacy").get_docs(nlp.vocab))
    for doc, record in zip(docs, splits["test"], strict=True):
        assert doc.cats == {
            name: float(f"{name}.txt" == record.path.name) for name in convert.REGISTERS
        }
    wrong = CliRunner().invoke(
        convert.app, [str(ASSETS), str(tmp_path / "new"), "--categories", "mood"]
    )
    assert wrong.exit_code == 2
    assert not (tmp_path / "new").exists()


def test_readme_counts_are_true(corpus):
    readme = (FOLDER / "assets" / "README.md").read_text(encoding="utf8")
    block = re.search(r"<!-- counts: begin -->\n(.*)\n<!-- counts: end -->", readme, re.DOTALL)
    assert block[1].strip() == convert.count_table(corpus)


def write(folder, news):
    for register in convert.REGISTERS:
        folder.joinpath(f"{register}.txt").write_text(GOOD, encoding="utf8")
    folder.joinpath("news.txt").write_text(news, encoding="utf8")


def test_escapes_and_selectors(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(
        "\n\n# sport\n\\[Lap\\] [A\\|B \\\\ C|ORG] | lap #2 and lap #2\n"
        "EVENT: lap #2 #2\nACTOR: A|B \\ C\nEVENT: lap #2 and lap #2 #1\nOPINION: and\n\n"
    )
    (record,) = convert.read_register(path)
    assert record.text == "[Lap] A|B \\ C | lap #2 and lap #2"
    assert (record.line, record.topic) == (3, "sport")
    assert [record.text[e.start : e.end] for e in record.entities] == ["A|B \\ C"]
    assert [record.text[s.start : s.end] for s in record.spans] == [
        "lap #2",
        "A|B \\ C",
        "lap #2 and lap #2",
        "and",
    ]
    assert record.spans[0].start == record.text.rindex("lap")
    assert [s.line for s in record.spans] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("record", "line", "message"),
    [
        ("food\n[Ida|PERSON] ate.\nACTOR: Ida", 1, "expected '# topic'"),
        ("# weather\n[Ida|PERSON] ate.\nACTOR: Ida", 1, "expected '# topic'"),
        ("# food", 1, "at least one span"),
        ("# food\nIda ate.", 1, "at least one span"),
        ("# food\n[Ida|MAN] ate.\nACTOR: Ida", 2, "unknown entity label 'MAN'"),
        ("# food\n[Ida|PERSON ate.\nACTOR: Ida", 2, "unclosed entity label"),
        ("# food\n[Ida ate.\nACTOR: Ida", 2, "unclosed entity 'Ida ate.'"),
        ("# food\n[Ida] ate.\nACTOR: Ida", 2, "without an entity"),
        ("# food\nIda] ate.\nACTOR: Ida", 2, "without an entity"),
        ("# food\n[Ida [B|ORG]|PERSON] ate.\nACTOR: Ida", 2, "inside an entity"),
        ("# food\n[|PERSON] ate.\nACTOR: ate", 2, "empty or padded entity"),
        ("# food\n[Ida |PERSON]ate.\nACTOR: Ida", 2, "empty or padded entity"),
        ("# food\n Ida ate.\nACTOR: Ida", 2, "empty or padded text"),
        ("# food\nIda \\ate.\nACTOR: Ida", 2, "unknown escape '\\\\\\\\a'"),
        ("# food\nIda ate.\\\nACTOR: Ida", 2, "unknown escape"),
        ("# food\nIda ate.\nACTOR: Ida\nACTOR: Eva", 4, "'Eva' does not occur"),
        ("# food\nIda ate.\nWHO: Ida", 3, "expected a span"),
        ("# food\nIda ate.\nIda", 3, "expected a span"),
        ("# food\nIda ate.\nACTOR: ", 3, "empty or padded span"),
        ("# food\nIda ate.\nACTOR: Ida ", 3, "empty or padded span"),
        ("# food\nIda met Ida.\nACTOR: Ida", 3, "occurs 2 times"),
        ("# food\nIda met Ida.\nACTOR: Ida #3", 3, "no occurrence 3"),
        ("# food\nIda ate.\nACTOR: Ida\nACTOR: Ida #1", 4, "the same span twice"),
        ("# food\n[Id|PERSON]a ate.\nEVENT: ate", 2, "does not fall on token borders"),
        ("# food\nIda ate.\nEVENT: at", 3, "does not fall on token borders"),
    ],
)
def test_malformed_records(tmp_path, record, line, message):
    write(tmp_path, f"{GOOD}\n{record}\n")
    path = tmp_path / "news.txt"
    with pytest.raises(convert.CorpusError, match=message) as error:
        convert.convert(tmp_path, tmp_path / "out")
    before = GOOD.count("\n") + 1
    assert str(error.value).startswith(f"{path}:{before + line}: ")
    assert (error.value.path, error.value.line) == (path, before + line)
    assert not (tmp_path / "out").exists()


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    def fail(self, path):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    target = tmp_path / "train.spacy"
    target.write_bytes(b"old")
    monkeypatch.setattr(DocBin, "to_disk", fail)
    with pytest.raises(OSError, match="disk full"):
        convert.write_docs([], target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["train.spacy"]


def test_command_line(tmp_path, corpus):
    run = CliRunner().invoke
    done = run(convert.app, [str(ASSETS), str(tmp_path / "out"), "--counts"])
    assert done.exit_code == 0
    assert convert.count_table(corpus) in done.output
    assert (tmp_path / "out" / "test.spacy").is_file()
    write(tmp_path, "# food\nIda ate.\nACTOR: Eva\n")
    failed = run(convert.app, [str(tmp_path), str(tmp_path / "out2")])
    assert failed.exit_code == 1
    assert f"{tmp_path / 'news.txt'}:3: 'Eva' does not occur" in failed.output
    write(tmp_path, GOOD)
    (tmp_path / "chat.txt").unlink()
    missing = run(convert.app, [str(tmp_path), str(tmp_path / "out2")])
    assert missing.exit_code == 1
    assert "chat.txt" in missing.output
    assert not (tmp_path / "out2").exists()

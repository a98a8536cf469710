"""`spacy deberta prepare`, and training on what it wrote."""

import json

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

from spacy_deberta.cli import prepare
from spacy_deberta.cli.prepare.splitting import split_texts
from spacy_deberta.corpora import AnnotatedText

ROWS = [
    {"text": f"Mira{n} went to Porto.", "entities": [[0, len(f"Mira{n}"), "PERSON"]]}
    for n in range(10)
]


@pytest.fixture
def data(tmp_path):
    srsly.write_jsonl(tmp_path / "data.jsonl", ROWS)
    return tmp_path / "data.jsonl"


def read(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def test_files_and_summary(spacy_cli, data, tmp_path):
    result = spacy_cli("deberta", "prepare", data, tmp_path / "out", "--test", "0.1")
    assert result.exit_code == 0, result.output
    docs = {name: read(tmp_path / "out" / f"{name}.spacy") for name in ("train", "dev", "test")}
    assert [len(part) for part in docs.values()] == [7, 2, 1]
    assert sorted(doc.text for part in docs.values() for doc in part) == sorted(
        row["text"] for row in ROWS
    )
    assert all([ent.label_ for ent in doc.ents] == ["PERSON"] for doc in docs["train"])
    assert "entity PERSON" in result.stdout
    assert "Saved 10 texts" in result.stdout
    # A second run with other shares leaves no file of the first.
    prepare([data], tmp_path / "out")
    assert not (tmp_path / "out" / "test.spacy").exists()
    assert not list(tmp_path.rglob(".saving-*"))


def test_misaligned_spans_are_counted_shown_and_not_learned(spacy_cli, tmp_path):
    rows = [*ROWS, {"text": "Kindle2 sold", "entities": [[0, 6, "PRODUCT"], [2, 99, "X"]]}]
    srsly.write_jsonl(tmp_path / "data.jsonl", rows)
    result = spacy_cli("deberta", "prepare", tmp_path / "data.jsonl", tmp_path / "out")
    assert "1 misaligned" in result.stdout
    assert "'Kindle' in 'Kindle2'" in result.stdout
    assert "line 11: outside X" in result.stdout
    values = json.loads(
        spacy_cli("deberta", "prepare", tmp_path / "data.jsonl", tmp_path / "out", "--json").stdout
    )
    assert [problem["reason"] for problem in values["problems"]] == ["misaligned", "outside"]
    docs = [doc for name in ("train", "dev") for doc in read(tmp_path / "out" / f"{name}.spacy")]
    (doc,) = [doc for doc in docs if doc.text == "Kindle2 sold"]
    assert [token.ent_iob_ for token in doc] == ["", "O"]
    expanded = prepare([tmp_path / "data.jsonl"], tmp_path / "other", alignment_mode="expand")
    assert [problem.reason for problem in expanded.problems] == ["outside"]


def test_strict_writes_nothing(spacy_cli, tmp_path):
    srsly.write_jsonl(tmp_path / "data.jsonl", [*ROWS, {"text": "a", "entities": [[0, 9, "X"]]}])
    result = spacy_cli("deberta", "prepare", tmp_path / "data.jsonl", tmp_path / "out", "--strict")
    assert result.exit_code == 1
    assert "E535" in result.stderr
    assert not (tmp_path / "out").exists()


def test_overlapping_spans_need_a_key(tmp_path):
    row = {"text": "Mira left", "entities": [[0, 4, "A"], [0, 9, "B"]]}
    srsly.write_jsonl(tmp_path / "data.jsonl", [row])
    done = prepare([tmp_path / "data.jsonl"], tmp_path / "out", dev=0)
    assert [problem.reason for problem in done.problems] == ["overlapping"]
    done = prepare([tmp_path / "data.jsonl"], tmp_path / "out", dev=0, spans_key="sc")
    assert not done.problems
    (doc,) = read(tmp_path / "out" / "train.spacy")
    assert [span.label_ for span in doc.spans["sc"]] == ["A", "B"]


def test_all_categories_are_in_each_document(tmp_path):
    (tmp_path / "data.csv").write_text("text,label\na,X\nb,Y\nc,X\n", encoding="utf-8")
    prepare([tmp_path / "data.csv"], tmp_path / "out", dev=0)
    cats = {doc.text: doc.cats for doc in read(tmp_path / "out" / "train.spacy")}
    assert cats == {"a": {"X": 1, "Y": 0}, "b": {"X": 0, "Y": 1}, "c": {"X": 1, "Y": 0}}


def test_the_split_depends_on_texts_and_seed_alone():
    texts = [AnnotatedText("here", str(n % 40), ()) for n in range(60)]
    one = split_texts(texts, dev=0.25, test=0.1, seed=1)
    other = split_texts(texts[::-1], dev=0.25, test=0.1, seed=1)
    names = {name: {text.text for text in part} for name, part in one.items()}
    assert names == {name: {text.text for text in part} for name, part in other.items()}
    assert [len(part) for part in names.values()] == [26, 10, 4]
    assert not names["train"] & names["dev"]
    assert sum(map(len, one.values())) == 60
    assert split_texts(texts, dev=0.25, test=0.1, seed=2) != one


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--dev", "1"], "E413"),
        (["--dev", "0.6", "--test", "0.4"], "E413"),
        (["--lang", "xyz"], "E536"),
        (["--label", "topic"], "E532"),
        (["--text", "body"], "E532"),
    ],
)
def test_wrong_options(spacy_cli, data, options, code, tmp_path):
    result = spacy_cli("deberta", "prepare", data, tmp_path / "out", *options)
    assert (result.exit_code, code in result.stderr) == (1, True), result.output
    assert not (tmp_path / "out").exists()


def test_too_little(tmp_path):
    for content, code in (("", "E533"), ('{"text": "a"}', "E534"), (json.dumps(ROWS[0]), "E533")):
        (tmp_path / "data.jsonl").write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=code):
            prepare([tmp_path / "data.jsonl"], tmp_path / "out")

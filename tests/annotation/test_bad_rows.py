"""Rows that can't be annotated are rows of the output, with their error."""

import gzip
import json

import pytest
import spacy
from spacy.language import Language

from tests.annotation.runs import TEXT, rows_of, run, write_jsonl


@Language.component("picky")
def picky(doc):
    if "Lyon" in doc.text:
        raise RuntimeError("no more Lyon")
    return doc


@Language.factory("abrupt")
class Abrupt:
    """Has a `pipe` of its own."""

    def __init__(self, nlp, name):
        pass

    def __call__(self, doc):
        if "Porto" in doc.text:
            raise KeyError("Porto")
        return doc

    def pipe(self, docs, batch_size):
        if batch_size == 3:
            raise ValueError("three")
        for doc in docs:
            yield self(doc)


def errors_of(folder):
    return [row["error"] for row in rows_of(folder)]


def test_lines_of_json(ruler, tmp_path):
    path = tmp_path / "in.jsonl"
    lines = [
        json.dumps({"text": TEXT}).encode(),
        b'{"text": "caf\xe9"}',
        b'{"text": ',
        b"[1, 2]",
        b'{"content": "x"}',
        b'{"text": 3}',
        b'{"text": "\\ud800 half"}',
        b"",
        b"[" * 100_000,
        json.dumps({"text": ""}).encode(),
        json.dumps({"text": "Lyon"}).encode(),
    ]
    path.write_bytes(b"\n".join(lines))
    counts = run(ruler, path, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    kinds = [row["error"] and row["error"].partition(":")[0] for row in rows]
    assert kinds == [
        *(None, "not UTF-8", "invalid JSON", "no text", "no text", "no text", "not UTF-8"),
        *("invalid JSON", None, None),
    ]
    # The empty line is no row.
    numbers = [int(row["id"].rpartition(":")[2]) for row in rows]
    assert numbers == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]
    assert counts.texts == 10
    assert counts.errors == {"not UTF-8": 2, "invalid JSON": 2, "no text": 3}
    assert rows[-1]["ents"][0]["text"] == "Lyon"
    assert "the fields are content" in rows[4]["error"]
    assert "'text' is of the type int" in rows[5]["error"]


def test_rows_of_tables(ruler, tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b'text,n\nLyon,1\ncaf\xe9,2\nPorto\nPorto,3,4\n\n"Mira\nOkafor",5\n')
    run(ruler, path, tmp_path / "out", keep=["n"])
    rows = rows_of(tmp_path / "out")
    kinds = [row["error"] and row["error"].partition(":")[0] for row in rows]
    assert kinds == [None, "not UTF-8", "invalid table", "invalid table", None]
    assert [row["n"] for row in rows] == ["1", None, None, None, "5"]
    assert rows[-1]["id"].endswith(":5")


@pytest.mark.parametrize("rest", [b"", b"\nPorto,2", b"\nPorto,2\n", b'""\n'])
def test_a_quote_that_is_not_closed(rest, ruler, tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b'text,n\nLyon,1\n"Mira, Okafor' + rest)
    run(ruler, path, tmp_path / "out", keep=["n"])
    rows = [(row["text"], row["error"]) for row in rows_of(tmp_path / "out")]
    assert rows[0] == ("Lyon", None)
    assert [error and error.partition(" in")[0] for _, error in rows[1:]] == [
        "invalid table: a quote that opens"
    ]


def test_missing_ids(ruler, tmp_path):
    rows = [{"id": "a", "text": "Lyon"}, {"text": "Lyon"}, {"id": {}, "text": "Lyon"}]
    path = write_jsonl(tmp_path / "in.jsonl", rows)
    run(ruler, path, tmp_path / "out", id_field="id")
    kinds = [error and error.partition(":")[0] for error in errors_of(tmp_path / "out")]
    assert kinds == [None, "no id", "no id"]


def test_the_rest_of_a_damaged_archive_is_one_row(ruler, tmp_path):
    data = gzip.compress(b"".join(b'{"text": "%d Lyon"}\n' % n for n in range(4_000)))
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) // 2])
    write_jsonl(tmp_path / "b.jsonl", [{"text": "Lyon"}])
    counts = run(ruler, tmp_path / "*.jsonl*", tmp_path / "out", batch_size=1000)
    errors = errors_of(tmp_path / "out")
    assert counts.errors == {"damaged file": 1}
    assert errors[-2].startswith("damaged file: the rest of it can't be read")
    assert errors[-1] is None
    assert len(errors) > 100


@pytest.mark.parametrize("suffix", [".spacy", ".parquet"])
def test_a_damaged_file_is_one_row(suffix, ruler, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / f"in{suffix}").write_bytes(b"no such format" * 20)
    counts = run(ruler, tmp_path / f"in{suffix}", tmp_path / "out")
    assert counts.errors == {"damaged file": 1}


@pytest.fixture(scope="module")
def failing(tmp_path_factory, ruler):
    """A pipeline with components that fail on some texts."""
    nlp = spacy.load(ruler)
    nlp.add_pipe("picky")
    nlp.add_pipe("abrupt")
    path = tmp_path_factory.mktemp("pipelines") / "failing"
    nlp.to_disk(path)
    return path


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_texts_that_components_fail_on(batch_size, failing, tmp_path):
    texts = [
        "Mira Okafor",
        "Lyon",
        "Sanjay",
        "Porto",
        "Rotterdam",
        "Porto",
        "x" * 2_000_001,
        "Mira",
    ]
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    counts = run(failing, path, tmp_path / "out", batch_size=batch_size)
    rows = rows_of(tmp_path / "out")
    assert [row["text"] for row in rows] == texts
    kinds = [row["error"] and row["error"].partition(":")[0] for row in rows]
    alone = "failed in abrupt"
    assert kinds == [None, "failed in picky", None, alone, None, alone, "text too long", None]
    assert rows[1]["error"] == "failed in picky: RuntimeError: no more Lyon"
    assert [len(row["ents"]) for row in rows] == [1, 0, 1, 0, 1, 0, 0, 0]
    assert counts.words == 2 + 1 + 1 + 1
    assert counts.errors == {"failed in picky": 1, alone: 2, "text too long": 1}


def test_errors_in_the_other_formats(failing, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": "Lyon"}, {"n": 1}, {"text": "Sanjay"}])
    run(failing, path, tmp_path / "parquet", format="parquet")
    (part,) = (tmp_path / "parquet").glob("part-*")
    rows = parquet.read_table(part).to_pylist()
    assert [row["text"] for row in rows] == ["Lyon", None, "Sanjay"]
    assert [row["error"] is None for row in rows] == [False, False, True]
    run(failing, path, tmp_path / "docs", format="spacy")
    docs = spacy.tokens.DocBin().from_disk(tmp_path / "docs" / "part-00000.spacy")
    found = list(docs.get_docs(spacy.blank("en").vocab))
    assert [doc.text for doc in found] == ["Lyon", "", "Sanjay"]
    assert found[0].user_data["error"].startswith("failed in picky")
    assert found[1].user_data["error"].startswith("no text")
    assert found[2].user_data["error"] is None

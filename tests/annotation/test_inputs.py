"""Texts are read from all kinds of files."""

import bz2
import csv
import gzip
import lzma

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_deberta.annotation import find_inputs
from spacy_deberta.annotation.input_files import KINDS
from tests.annotation.runs import TEXT, rows_of, run, write_jsonl

TEXTS = [TEXT, 'Porto,\t"quoted", won.', "Überall Zürich: 日本"]
COMPRESSED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def write_table(path, delimiter):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["title", "text"], *([str(n), text] for n, text in enumerate(TEXTS))])


def write_docs(path):
    DocBin(docs=[spacy.blank("en")(text) for text in TEXTS]).to_disk(path)


def write_parquet(path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"text": TEXTS, "other": [1, 2, 3]})
    parquet.write_table(table, path, row_group_size=2)


WRITERS = {
    ".jsonl": lambda path: write_jsonl(path, [{"text": text} for text in TEXTS]),
    ".ndjson": lambda path: write_jsonl(path, [{"text": text} for text in TEXTS]),
    ".txt": lambda path: path.write_text("\n\n".join(TEXTS), encoding="utf-8"),
    ".csv": lambda path: write_table(path, ","),
    ".tsv": lambda path: write_table(path, "\t"),
    ".parquet": write_parquet,
    ".pq": write_parquet,
    ".spacy": write_docs,
}


def test_all_kinds_are_tested():
    assert set(WRITERS) == set(KINDS)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_of_each_kind(suffix, ruler, tmp_path):
    path = tmp_path / f"in{suffix}"
    WRITERS[suffix](path)
    run(ruler, path, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [row["text"] for row in rows] == TEXTS
    assert [row["error"] for row in rows] == [None] * 3
    numbers = (1, 3, 5) if suffix == ".txt" else (1, 2, 3)
    assert [row["id"] for row in rows] == [f"{path.as_posix()}:{n}" for n in numbers]


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("kind", [".jsonl", ".csv"])
def test_compressed_files(kind, suffix, ruler, tmp_path):
    plain, path = tmp_path / f"in{kind}", tmp_path / f"in{kind}{suffix}"
    WRITERS[kind](plain)
    with COMPRESSED[suffix](path, "wb") as file:
        file.write(plain.read_bytes())
    run(ruler, path, tmp_path / "out")
    assert [row["text"] for row in rows_of(tmp_path / "out")] == TEXTS


def test_a_byte_order_mark_is_no_text(ruler, tmp_path):
    for kind in (".jsonl", ".txt", ".csv"):
        path = tmp_path / f"in{kind}"
        WRITERS[kind](path)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    run(ruler, tmp_path / "in.*", tmp_path / "out")
    assert [row["text"] for row in rows_of(tmp_path / "out")] == TEXTS * 3


def test_folders_patterns_and_files_in_their_order(tmp_path):
    folder = tmp_path / "folder"
    names = ("b.jsonl", "a.txt", "sub/c.csv", ".hidden.txt", ".cache/d.txt", "notes.md")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text", encoding="utf-8")
    found = find_inputs([folder / "b.jsonl", folder, str(folder / "**" / "*.csv")])
    assert [file.path for file in found] == [
        (folder / name).as_posix() for name in ("b.jsonl", "a.txt", "sub/c.csv")
    ]


def test_the_output_is_no_input(ruler, tmp_path):
    write_jsonl(tmp_path / "in.jsonl", [{"text": TEXT}])
    for _ in range(2):
        assert run(ruler, [tmp_path, str(tmp_path / "**" / "*.jsonl")], tmp_path / "out").texts == 1


def test_paths_without_texts(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").touch()
    (tmp_path / "docs.spacy.gz").touch()
    with pytest.raises(ValueError, match="E801.*does not exist"):
        find_inputs([tmp_path / "none.jsonl"])
    with pytest.raises(ValueError, match="E801.*no file matches"):
        find_inputs([tmp_path / "*.csv"])
    with pytest.raises(ValueError, match="E801.*the folder has no file"):
        find_inputs([tmp_path / "empty"])
    for name in ("notes.md", "docs.spacy.gz"):
        with pytest.raises(ValueError, match="E802"):
            find_inputs([tmp_path / name])


def test_ids_and_kept_fields(ruler, tmp_path):
    rows = [{"key": 7, "body": TEXT, "tags": ["a"], "date": None}, {"key": "x", "body": "Lyon"}]
    path = write_jsonl(tmp_path / "in.jsonl", rows)
    options = {"text_field": "body", "id_field": "key", "keep": ["tags", "date"]}
    run(ruler, path, tmp_path / "out", **options)
    found = [(row["id"], row["tags"], row["date"]) for row in rows_of(tmp_path / "out")]
    assert found == [("7", ["a"], None), ("x", None, None)]


def test_a_field_that_the_output_has_is_not_kept(ruler, tmp_path, texts):
    with pytest.raises(ValueError, match="E806.*'ents'"):
        run(ruler, texts, tmp_path / "out", keep=["ents"])


def test_a_table_with_a_column_twice(ruler, tmp_path):
    (tmp_path / "in.csv").write_text("text,text\na,b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="E804"):
        run(ruler, tmp_path / "in.csv", tmp_path / "out")


def test_limit(ruler, tmp_path, texts):
    counts = run(ruler, [texts, texts.with_name("*.jsonl")], tmp_path / "out", limit=7)
    assert counts.texts == len(rows_of(tmp_path / "out")) == 7

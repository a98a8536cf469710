"""No row is lost, written twice or the end of an annotation, however odd its file is."""

import gzip
import json
import os
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_deberta.annotation import Annotator, AnnotatorSettings, Record
from tests.annotation.runs import contents_of, rows_of, run, write_jsonl

FORMATS = ("jsonl", "parquet", "spacy")


@Language.component("returns_nothing")
def returns_nothing(doc):
    return None if "Lyon" in doc.text else doc


def kinds_of(folder):
    return [row["error"] and row["error"].partition(":")[0] for row in rows_of(folder)]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_file_that_can_not_be_read_ends_the_annotation(workers, ruler, tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"text": "Lyon"}] * 3)
    (tmp_path / "b.csv").write_text("text,text\nLyon,Porto\n")
    files = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match="E804"):
        run(ruler, files, tmp_path / "out", workers=workers)
    assert not json.loads((tmp_path / "out" / "manifest.json").read_text())["done"]


def test_errors_of_the_reader_are_none_of_the_pipeline(ruler):
    def records():
        yield Record("1", "Lyon", {})
        raise OSError("the disk is gone")

    annotated = Annotator(AnnotatorSettings(pipeline=str(ruler))).pipe(records())
    assert next(annotated).error is None
    with pytest.raises(OSError, match="the disk is gone"):
        next(annotated)


def test_a_component_that_returns_no_document(ruler, tmp_path):
    nlp = spacy.load(ruler)
    nlp.add_pipe("returns_nothing")
    nlp.to_disk(tmp_path / "pipeline")
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in ("a", "Lyon", "b")])
    run(tmp_path / "pipeline", path, tmp_path / "out")
    assert kinds_of(tmp_path / "out") == [None, "failed in returns_nothing", None]


def damaged_table(folder):
    data = gzip.compress(b"text\n" + b"".join(b"%d Lyon\n" % n for n in range(3)))
    (folder / "a.csv.gz").write_bytes(data + b"no archive")
    return 4


def damaged_parquet(folder):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = folder / "a.parquet"
    table = pyarrow.table({"text": [os.urandom(8).hex() for _ in range(3)]})
    parquet.write_table(table, path, row_group_size=1, compression="snappy", use_dictionary=False)
    second = parquet.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = second.data_page_offset
    data[start : start + second.total_compressed_size] = b"\xff" * second.total_compressed_size
    path.write_bytes(data)
    return 2


def damaged_docs(folder):
    (folder / "a.spacy").write_bytes(b"no documents")
    return 1


@pytest.mark.parametrize("damage", [damaged_table, damaged_parquet, damaged_docs])
def test_damage_is_one_row_after_an_interruption_too(damage, ruler, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rows = damage(folder)
    write_jsonl(folder / "b.jsonl", [{"text": "Lyon"}, {"text": "Porto"}])
    counts = run(ruler, folder, tmp_path / "whole", shard_size=rows)
    assert counts.texts == rows + 2
    assert counts.errors == {"damaged file": 1}
    run(ruler, folder, tmp_path / "again", shard_size=rows)
    for path in (tmp_path / "again").glob("part-*"):
        if path.name != "part-00000.jsonl":
            path.unlink()
    run(ruler, folder, tmp_path / "again", shard_size=rows)
    assert contents_of(tmp_path / "again") == contents_of(tmp_path / "whole")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\r\r\n"])
def test_line_ends_of_tables(end, ruler, tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(end.join(["text,n", "Lyon,1", '"a\rb",2', ""]).encode())
    run(ruler, path, tmp_path / "out", keep=["n"])
    rows = [(row["text"], row["n"], row["error"]) for row in rows_of(tmp_path / "out")]
    assert rows == [("Lyon", "1", None), ("a\rb", "2", None)]


def test_values_of_parquet_that_python_lacks(ruler, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    offsets, data = b"\0\0\0\0\4\0\0\0\6\0\0\0", b"Lyon\xff\xfe"
    text = pyarrow.Array.from_buffers(
        pyarrow.string(), 2, [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)]
    )
    times = pyarrow.array([1, 2], pyarrow.timestamp("ns"))
    parquet.write_table(pyarrow.table({"text": text, "time": times}), tmp_path / "in.parquet")
    run(ruler, tmp_path / "in.parquet", tmp_path / "out", keep=["time"])
    assert kinds_of(tmp_path / "out") == [None, "not UTF-8"]
    assert rows_of(tmp_path / "out")[0]["time"].startswith("1970-01-01 00:00:00.000000001")


def odd_names(folder):
    name = os.fsdecode(b"caf\xe9.csv")
    try:
        (folder / name).write_bytes(b"caf\xe9,id\nLyon,1\n")
    except OSError:
        pytest.skip("the file system has Unicode names only")
    return folder / name


def odd_ids(folder):
    return write_jsonl(folder / "in.jsonl", [{"text": "Lyon", "id": "\ud800"}, {"\ud800": 1}])


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("write", [odd_names, odd_ids])
def test_names_that_are_no_unicode(write, output, ruler, tmp_path):
    if output == "parquet":
        pytest.importorskip("pyarrow")
    run(ruler, write(tmp_path), tmp_path / "out", format=output, id_field="id")
    (part,) = contents_of(tmp_path / "out").values()
    assert b"\\ud800" in part or b"\\udce9" in part or output != "jsonl"


def test_ids_that_are_numbers(ruler, tmp_path):
    ids = [1.5, 2, True, "", float("nan")]
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": "Lyon", "id": value} for value in ids])
    run(ruler, path, tmp_path / "out", id_field="id")
    assert [row["id"] for row in rows_of(tmp_path / "out")][:2] == ["1.5", "2"]
    assert kinds_of(tmp_path / "out") == [None, None, "no id", "no id", "no id"]


def test_kept_numbers_are_valid_json(ruler, tmp_path):
    lines = ['{"text": "Lyon", "n": NaN, "m": "é"}', '{"text": "Lyon", "n": [1, {"a": 1e999}]}']
    path = write_jsonl(tmp_path / "in.jsonl", lines)
    run(ruler, path, tmp_path / "out", keep=["n", "m", "n"])
    assert b"NaN" not in contents_of(tmp_path / "out")["part-00000.jsonl"]
    rows = rows_of(tmp_path / "out")
    assert [(row["n"], row["m"]) for row in rows] == [(None, "é"), ([1, {"a": None}], None)]


def test_an_input_in_the_output_is_not_removed(ruler, tmp_path):
    path = write_jsonl(tmp_path / "part-00000.jsonl", [{"text": "Lyon"}])
    with pytest.raises(ValueError, match="E825"):
        run(ruler, path, tmp_path, overwrite=True)
    assert path.exists()


def test_files_of_others_are_not_removed(ruler, texts, tmp_path):
    own = tmp_path / "out" / "part-00000-3f2a.parquet"
    own.parent.mkdir()
    own.write_bytes(b"of Spark")
    run(ruler, texts, own.parent, overwrite=True)
    assert own.read_bytes() == b"of Spark"


def test_a_mark_of_the_byte_order_is_no_row(ruler, tmp_path):
    path = Path(tmp_path / "in.txt")
    path.write_text("\ufeff\nLyon\n", encoding="utf-8")
    run(ruler, path, tmp_path / "out")
    assert [row["text"] for row in rows_of(tmp_path / "out")] == ["Lyon"]


def test_an_error_names_only_some_fields(ruler, tmp_path):
    path = write_jsonl(tmp_path / "in.jsonl", [{f"field {n}": n for n in range(5_000)}])
    run(ruler, path, tmp_path / "out", format="spacy")
    docs = DocBin().from_disk(tmp_path / "out" / "part-00000.spacy")
    (doc,) = docs.get_docs(spacy.blank("en").vocab)
    assert doc.user_data["error"].endswith("and 4990 more")


def test_a_folder_that_is_no_pipeline(texts, tmp_path):
    (tmp_path / "meta.json").write_text("{}")
    (tmp_path / "config.cfg").write_text("[training]\n")
    with pytest.raises(ValueError, match="E506"):
        run(tmp_path, texts, tmp_path / "out")

"""The schema of the output, in all its formats."""

import json

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin, Span

from spacy_deberta.annotation import Annotator, AnnotatorSettings, Record, RowColumns
from spacy_deberta.annotation.annotator import import_code
from tests.annotation.runs import TEXT, parts_of, rows_of, run, write_jsonl

parquet = pytest.importorskip("pyarrow.parquet")
ALL = ("tokens", "tags", "lemmas", "dependencies", "sentences")


def test_a_row_has_what_the_document_has(ruler, tmp_path):
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": TEXT}])
    run(ruler, path, tmp_path / "out", fields=["tokens", "sentences"])
    (row,) = rows_of(tmp_path / "out")
    expected = spacy.load(ruler)(TEXT).to_json()
    assert list(row) == ["id", "text", "ents", "spans", "cats", "tokens", "sents", "error"]
    assert row["text"] == expected["text"]
    shown = [{key: ent[key] for key in ("start", "end", "label")} for ent in row["ents"]]
    assert shown == expected["ents"]
    assert [ent["text"] for ent in row["ents"]] == ["Mira Okafor", "Rotterdam", "Sanjay", "Lyon"]
    spans = {"sc": [{key: s[key] for key in ("start", "end", "label")} for s in row["spans"]["sc"]]}
    assert spans == {
        "sc": [{k: s[k] for k in ("start", "end", "label")} for s in expected["spans"]["sc"]]
    }
    assert row["sents"] == expected["sents"]
    tokens = [{"start": t["start"], "end": t["end"]} for t in expected["tokens"]]
    assert row["tokens"] == tokens


def make_doc(nlp):
    """A document with everything that a row can have."""
    words = ["Mira", "left", "Lyon"]
    doc = spacy.tokens.Doc(
        nlp.vocab,
        words=words,
        tags=["NNP", "VBD", "NNP"],
        pos=["PROPN", "VERB", "PROPN"],
        morphs=["", "Tense=Past", ""],
        lemmas=["Mira", "leave", "Lyon"],
        heads=[1, 1, 1],
        deps=["nsubj", "ROOT", "obj"],
        ents=["B-PERSON", "O", "B-GPE"],
    )
    doc.spans["sc"] = [Span(doc, 0, 1, "A"), Span(doc, 0, 3, "B")]
    doc.spans["sc"].attrs["scores"] = np.array([0.5, np.nan], dtype="f")
    doc.cats = {"travel": 0.25}
    return doc


def test_all_columns():
    doc = make_doc(spacy.blank("en"))
    columns = RowColumns(fields=ALL, keep=("source",), text=False)
    row = columns.make_row(Record("7", doc.text, {"source": "web"}), doc, None)
    assert list(row) == columns.names
    shown = doc.to_json()
    token = {"start": 5, "end": 9, "tag": "VBD", "pos": "VERB", "morph": "Tense=Past"}
    assert row["tokens"][1] == {**token, "lemma": "leave", "head": 1, "dep": "ROOT"}
    for name in ("start", "end", "tag", "pos", "morph", "lemma", "dep"):
        assert [t[name] for t in row["tokens"]] == [t[name] for t in shown["tokens"]]
    assert row["sents"] == shown["sents"]
    assert row["cats"] == {"travel": 0.25}
    assert [span["score"] for span in row["spans"]["sc"]] == [0.5, None]
    assert row["source"] == "web"


def test_parquet_has_the_rows_of_json_lines(tiny_pipeline, tmp_path, texts):
    options = {"fields": ALL, "keep": ["n"], "shard_size": 8}
    run(tiny_pipeline, texts, tmp_path / "json", **options)
    run(tiny_pipeline, texts, tmp_path / "parquet", format="parquet", **options)
    expected = rows_of(tmp_path / "json")
    rows = [
        row
        for path in parts_of(tmp_path / "parquet")
        for row in parquet.read_table(path).to_pylist()
    ]
    for row in rows:
        row["spans"], row["cats"] = dict(row["spans"]), dict(row["cats"])
        row["n"] = json.loads(row["n"])
    assert rows == expected
    schemas = {str(parquet.read_schema(path)) for path in parts_of(tmp_path / "parquet")}
    assert len(schemas) == 1


def test_documents_have_all_annotations_but_trf_data(tiny_pipeline, tmp_path, texts):
    run(tiny_pipeline, texts, tmp_path / "out", format="spacy", keep=["n"], shard_size=16)
    nlp = spacy.load(tiny_pipeline)
    paths = parts_of(tmp_path / "out")
    assert [path.name for path in paths] == ["part-00000.spacy", "part-00001.spacy"]
    found = [doc for path in paths for doc in DocBin().from_disk(path).get_docs(nlp.vocab)]
    raw = [json.loads(line)["text"] for line in texts.open()]
    expected = list(nlp.pipe(raw[:16], batch_size=4)) + list(nlp.pipe(raw[16:], batch_size=4))
    assert [doc.to_json() for doc in found] == [doc.to_json() for doc in expected]
    assert [doc.user_data["fields"] for doc in found] == [{"n": n} for n in range(30)]
    assert all(doc._.trf_data is None for doc in found)


def test_trf_data_is_kept_on_request(tiny_pipeline, tmp_path, texts):
    sizes = {}
    for keep in (False, True):
        folder = tmp_path / str(keep)
        run(tiny_pipeline, texts, folder, format="spacy", keep_trf_data=keep)
        (part,) = parts_of(folder)
        sizes[keep] = part.stat().st_size
        nlp = spacy.load(tiny_pipeline)
        docs = list(DocBin().from_disk(part).get_docs(nlp.vocab))
        assert all((doc._.trf_data is not None) == keep for doc in docs)
    assert sizes[True] > 5 * sizes[False]


def test_vectors(tmp_path, texts):
    nlp = spacy.blank("en")
    nlp.vocab.set_vector("Lyon", np.array([1.0, 2.0], dtype="f"))
    nlp.to_disk(tmp_path / "vectors")
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": "Lyon Lyon"}, {"text": "other"}, {}])
    run(tmp_path / "vectors", path, tmp_path / "out", vectors=True)
    assert [row["vector"] for row in rows_of(tmp_path / "out")] == [[1.0, 2.0], [0.0, 0.0], None]


def test_without_text(ruler, tmp_path, texts):
    run(ruler, texts, tmp_path / "out", text=False)
    assert all("text" not in row for row in rows_of(tmp_path / "out"))


def test_kept_fields_of_any_kind(ruler, tmp_path):
    rows = [{"text": "Lyon", "more": {"a": [1, "ü"]}}, {"text": "Porto", "more": "\ud800"}]
    path = write_jsonl(tmp_path / "in.jsonl", rows)
    for name in ("jsonl", "parquet", "spacy"):
        run(ruler, path, tmp_path / name, keep=["more"], format=name)
    assert [row["more"] for row in rows_of(tmp_path / "jsonl")] == [{"a": [1, "ü"]}, "\ud800"]
    (part,) = parts_of(tmp_path / "parquet")
    assert parquet.read_table(part)["more"].to_pylist() == ['{"a": [1, "ü"]}', "?"]


def test_options_that_a_format_does_without(ruler, tmp_path, texts):
    for options in ({"fields": ["tags"]}, {"vectors": True}, {"text": False}):
        with pytest.raises(ValueError, match="E809"):
            run(ruler, texts, tmp_path / "out", format="spacy", **options)
    with pytest.raises(ValueError, match="E809.*--keep-trf-data"):
        run(ruler, texts, tmp_path / "out", keep_trf_data=True)
    with pytest.raises(ValueError, match="E808.*'xml'"):
        run(ruler, texts, tmp_path / "out", format="xml")
    with pytest.raises(ValueError, match="E805.*'colours'"):
        run(ruler, texts, tmp_path / "out", fields=["colours"])
    assert not (tmp_path / "out").exists()


def test_parquet_needs_pyarrow(ruler, tmp_path, texts, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ValueError, match=r"E803.*spacy-deberta\[annotate\]"):
        run(ruler, texts, tmp_path / "out", format="parquet")


def test_code_of_components(tmp_path, texts):
    code = tmp_path / "code.py"
    lines = ["from spacy.language import Language", '@Language.component("annotation_tests_long")']
    lines += ["def measure(doc):", "    doc.cats['LONG'] = float(len(doc) > 16)", "    return doc"]
    code.write_text("\n".join(lines), encoding="utf-8")
    import_code(str(code))
    nlp = spacy.blank("en")
    nlp.add_pipe("annotation_tests_long")
    nlp.to_disk(tmp_path / "pipeline")
    run(tmp_path / "pipeline", texts, tmp_path / "out", code=code)
    assert {row["cats"]["LONG"] for row in rows_of(tmp_path / "out")} == {0.0, 1.0}


def test_an_annotator_makes_rows_of_records(ruler):
    """What another engine calls."""
    annotator = Annotator(AnnotatorSettings(pipeline=str(ruler)))
    rows = annotator([Record("1", TEXT, {}), Record("2", None, {}, "no text"), Record("3", "", {})])
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert [len(row["ents"]) for row in rows] == [4, 0, 0]
    assert [row["error"] for row in rows] == [None, "no text", None]


@Language.component("annotation_tests_object")
def add_object(doc):
    doc.user_data["object"] = object()
    return doc


def test_user_data_that_cannot_be_stored(tmp_path, texts):
    nlp = spacy.blank("en")
    nlp.add_pipe("annotation_tests_object")
    nlp.to_disk(tmp_path / "pipeline")
    assert run(tmp_path / "pipeline", texts, tmp_path / "json").texts == 30
    with pytest.raises(ValueError, match="E810"):
        run(tmp_path / "pipeline", texts, tmp_path / "docs", format="spacy")
    assert not parts_of(tmp_path / "docs")

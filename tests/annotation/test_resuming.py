"""The same command continues an annotation; another one is refused."""

import json
import re
import shutil

import pytest

from spacy_deberta.annotation import Annotator
from spacy_deberta.annotation.output_folder import OutputFolder
from tests.annotation.runs import Silent, contents_of, rows_of, run, write_jsonl


class StoppedError(Exception):
    pass


class Stop(Silent):
    """Stops after some batches."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def advance(self, counts, bytes_read):
        super().advance(counts, bytes_read)
        self.left -= 1
        if not self.left:
            raise StoppedError


OPTIONS = {"shard_size": 8, "batch_size": 4}


def test_a_stopped_annotation_continues(ruler, texts, tmp_path):
    expected = run(ruler, texts, tmp_path / "whole", **OPTIONS)
    with pytest.raises(StoppedError):
        run(ruler, texts, tmp_path / "out", report=Stop(5), **OPTIONS)
    assert list(contents_of(tmp_path / "out")) == ["part-00000.jsonl", "part-00001.jsonl"]
    report = Silent()
    counts = run(ruler, texts, tmp_path / "out", report=report, **OPTIONS)
    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")
    assert counts == expected
    assert counts.texts == 30
    # Only the rest was annotated.
    assert len(report.bytes_read) == 4
    start, total = report.starts[0]
    assert 0 < start < total == texts.stat().st_size == report.bytes_read[-1]


def test_then_there_is_nothing_to_do(ruler, texts, tmp_path, monkeypatch):
    expected = run(ruler, texts, tmp_path / "out", **OPTIONS)
    monkeypatch.setattr(Annotator, "__init__", None)
    report = Silent()
    assert run(ruler, texts, tmp_path / "out", report=report, **OPTIONS) == expected
    assert "Nothing to do" in report.messages[0]


def test_manifest(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["done"] is True
    assert manifest["parts"] == 4
    assert manifest["counts"]["texts"] == 30
    assert manifest["plan"]["pipeline"]["components"] == [
        *("sentencizer", "entity_ruler", "span_ruler")
    ]


def test_removed_and_shortened_parts_are_written_again(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    expected = contents_of(tmp_path / "out")
    (tmp_path / "out" / "part-00001.jsonl").unlink()
    (tmp_path / "out" / "part-00003.jsonl").write_bytes(b"{")
    report = Silent()
    counts = run(ruler, texts, tmp_path / "out", report=report, **OPTIONS)
    assert contents_of(tmp_path / "out") == expected
    assert counts.texts == 30
    assert len(report.bytes_read) == 4


def test_a_log_that_was_cut_off(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    expected = contents_of(tmp_path / "out")
    log = tmp_path / "out" / "manifest.log"
    log.write_bytes(log.read_bytes()[:-20])
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    assert contents_of(tmp_path / "out") == expected
    assert len(log.read_bytes().splitlines()) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shard_size": 4}, "shard_size was 8 and is 4"),
        ({"keep": ["n"]}, r'keep was \[\] and is \["n"\]'),
        ({"limit": 3}, "limit was null and is 3"),
        ({"disable": ["entity_ruler"]}, "disable was"),
        ({"format": "spacy"}, 'format was "jsonl" and is "spacy"'),
    ],
)
def test_another_plan_is_refused(changes, words, ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    before = contents_of(tmp_path / "out")
    with pytest.raises(ValueError, match=f"E813.*{words}"):
        run(ruler, texts, tmp_path / "out", **{**OPTIONS, **changes})
    assert contents_of(tmp_path / "out") == before
    run(ruler, texts, tmp_path / "out", overwrite=True, **{**OPTIONS, **changes})
    assert contents_of(tmp_path / "out") != before


def test_other_texts_and_pipelines_are_refused(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    more = write_jsonl(tmp_path / "more.jsonl", [{"text": "Lyon"}])
    with pytest.raises(ValueError, match="E813.*the inputs are now with '.*more.jsonl'"):
        run(ruler, [texts, more], tmp_path / "out", **OPTIONS)
    with texts.open("a", encoding="utf-8") as file:
        file.write('{"text": "Lyon"}\n')
    with pytest.raises(ValueError, match="E813.*the inputs are now changed '.*texts.jsonl'"):
        run(ruler, texts, tmp_path / "out", **OPTIONS)
    copy = tmp_path / "copy"
    shutil.copytree(ruler, copy)
    run(ruler, texts, tmp_path / "again", **OPTIONS)
    run(copy, texts, tmp_path / "again", **OPTIONS)
    meta = (copy / "meta.json").read_text(encoding="utf-8")
    (copy / "meta.json").write_text(meta.replace('"0.0.0"', '"0.0.1"'), encoding="utf-8")
    with pytest.raises(ValueError, match="E813.*pipeline was"):
        run(copy, texts, tmp_path / "again", **OPTIONS)


def test_a_package_is_the_folder_in_it(ruler, texts, tmp_path, monkeypatch):
    package = tmp_path / "site" / "en_annotation_tests"
    shutil.copytree(ruler, package / "en_pipeline-0.0.0")
    shutil.copy(ruler / "meta.json", package / "meta.json")
    code = "from spacy.util import load_model_from_init_py\n\n\ndef load(**overrides):\n"
    code += "    return load_model_from_init_py(__file__, **overrides)\n"
    (package / "__init__.py").write_text(code, encoding="utf-8")
    facts = tmp_path / "site" / "en_annotation_tests-0.0.0.dist-info"
    facts.mkdir()
    metadata = "Metadata-Version: 2.1\nName: en_annotation_tests\nVersion: 0.0.0\n"
    (facts / "METADATA").write_text(metadata, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    run("en_annotation_tests", texts, tmp_path / "out", limit=8, **OPTIONS)
    report = Silent()
    run(ruler, texts, tmp_path / "out", limit=8, report=report, **OPTIONS)
    assert "Nothing to do" in report.messages[0]


def test_the_number_of_processes_may_change(ruler, texts, tmp_path):
    with pytest.raises(StoppedError):
        run(ruler, texts, tmp_path / "out", report=Stop(3), **OPTIONS)
    assert run(ruler, texts, tmp_path / "out", workers=None, **OPTIONS).texts == 30


def test_a_folder_with_other_files(ruler, texts, tmp_path):
    (tmp_path / "out").mkdir()
    other = tmp_path / "out" / "notes.txt"
    other.touch()
    with pytest.raises(ValueError, match="E814.*notes.txt"):
        run(ruler, texts, tmp_path / "out")
    run(ruler, texts, tmp_path / "out", overwrite=True, limit=1)
    assert other.exists()
    assert len(rows_of(tmp_path / "out")) == 1


def test_a_damaged_manifest(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", **OPTIONS)
    for content in ("{", "[]", '{"version": 7}'):
        (tmp_path / "out" / "manifest.json").write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match="E815"):
            run(ruler, texts, tmp_path / "out", **OPTIONS)
    run(ruler, texts, tmp_path / "out", overwrite=True, **OPTIONS)


def test_one_annotation_at_a_time(ruler, texts, tmp_path):
    with (
        OutputFolder(tmp_path / "out", suffix="jsonl").owned(),
        pytest.raises(OSError, match="E812"),
    ):
        run(ruler, texts, tmp_path / "out")
    run(ruler, texts, tmp_path / "out")


def test_pipelines_that_are_not_there(texts, ruler, tmp_path):
    with pytest.raises(ValueError, match="E506.*'no_such_pipeline'"):
        run("no_such_pipeline", texts, tmp_path / "out")
    with pytest.raises(ValueError, match="E807.*'parser'.*sentencizer"):
        run(ruler, texts, tmp_path / "out", disable=["parser"])
    with pytest.raises(ValueError, match="E413.*workers"):
        run(ruler, texts, tmp_path / "out", workers=0)


def test_an_option_is_corrected_before_anything_is_written(ruler, texts, tmp_path):
    with pytest.raises(ValueError, match="E807"):
        run(ruler, texts, tmp_path / "out", disable=["parser"])
    assert run(ruler, texts, tmp_path / "out", disable=["entity_ruler"]).entities == {}


def test_no_texts_at_all(ruler, tmp_path):
    path = tmp_path / "in.jsonl"
    path.touch()
    assert run(ruler, path, tmp_path / "out").texts == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.name[0] != ".") == [
        "manifest.json"
    ]


def test_names_of_parts_are_in_order(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "out", shard_size=1, limit=12)
    names = list(contents_of(tmp_path / "out"))
    assert len(names) == 12
    assert all(re.fullmatch(r"part-\d{5}\.jsonl", name) for name in names)
    numbers = [row["text"].partition(":")[0] for row in rows_of(tmp_path / "out")]
    assert numbers == [str(n) for n in range(12)]


def test_a_file_system_without_locks(ruler, texts, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.warns(UserWarning, match="W801"):
        assert run(ruler, texts, tmp_path / "out").texts == 30

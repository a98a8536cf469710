import json
import os
import signal
import subprocess
import sys

import pytest
import spacy

from tests.annotation.runs import TEXT, rows_of, write_jsonl


@pytest.fixture
def pipeline(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Lyon"}])
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.fixture
def texts(tmp_path):
    return write_jsonl(tmp_path / "in.jsonl", [{"text": TEXT, "author": "a"}, {"title": "x"}])


def test_texts_are_annotated_and_counted(spacy_cli, pipeline, texts, tmp_path):
    arguments = ("deberta", "annotate", pipeline, texts, tmp_path / "out", "--keep", "author")
    result = spacy_cli(*arguments)
    assert result.exit_code == 0, result.stderr
    found = [(row["author"], len(row["ents"]), row["error"]) for row in rows_of(tmp_path / "out")]
    assert found[0] == ("a", 1, None)
    assert found[1][2].startswith("no text")
    shown = " ".join(result.stdout.split())
    assert "texts 2 words 16 entity GPE 1 error: no text 1 words/s" in shown
    assert "100%" in result.stderr
    result = spacy_cli(*arguments, "--json")
    assert "Nothing to do" in result.stderr
    assert json.loads(result.stdout)["entities"] == {"GPE": 1}


def test_several_inputs_and_options(spacy_cli, pipeline, texts, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text("Lyon\nPorto\n", encoding="utf-8")
    out = tmp_path / "out"
    options = ("--fields", "tokens, sentences", "--disable", "entity_ruler", "--workers", "1")
    result = spacy_cli("deberta", "annotate", pipeline, texts, tmp_path / "more", out, *options)
    assert result.exit_code == 0, result.stderr
    assert [len(row["tokens"]) for row in rows_of(out)] == [16, 0, 1, 1]
    assert not any(row["ents"] for row in rows_of(out))


def test_wrong_options(fails, pipeline, texts, tmp_path):
    arguments = ("deberta", "annotate", pipeline, texts, tmp_path / "out")
    assert "E817" in fails(*arguments, "--workers", "many")
    assert "E816" in fails(*arguments, "--engine", "steam")
    assert "E805" in fails(*arguments, "--fields", "colours")
    assert "E506" in fails("deberta", "annotate", tmp_path, texts, tmp_path / "out")
    assert "E801" in fails("deberta", "annotate", pipeline, tmp_path / "x.csv", tmp_path / "out")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_ctrl_c_leaves_what_can_be_continued(pipeline, tmp_path):
    path = write_jsonl(tmp_path / "in.jsonl", [{"text": TEXT} for _ in range(100_000)])
    out = tmp_path / "out"
    command = ["-m", "spacy", "deberta", "annotate", str(pipeline), str(path), str(out)]
    options = ["--workers", "1", "--shard-size", "1000", "--batch-size", "100"]
    process = subprocess.Popen(
        [sys.executable, *command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell without job control lets its background jobs ignore the signal, and these tests.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not (out / "part-00001.jsonl").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    printed, messages = process.communicate(timeout=300)
    assert process.returncode == 130
    assert not printed
    assert b"the same command continues" in messages
    assert b"Traceback" not in messages
    parts = sorted(out.glob("part-*"))
    assert 2 <= len(parts) < 100
    assert all(len(part.read_bytes().splitlines()) == 1000 for part in parts)

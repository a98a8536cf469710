"""The engine "ray" writes what the local one writes, whatever is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from spacy_deberta.annotation import (
    AnnotatorSettings,
    RecordFields,
    RowColumns,
    TableAnnotator,
    annotate,
    make_job,
)
from tests.annotation.runs import Silent, contents_of, rows_of, run, write_jsonl
from tests.annotation.test_resuming import Stop, StoppedError
from tests.conftest import SENTENCES

OPTIONS = {"shard_size": 12, "batch_size": 4, "keep": ["n"]}
LONG = os.environ.get("SPACY_DEBERTA_FUZZ") == "long"
needs_ray = pytest.mark.usefixtures("ray")


@pytest.fixture(scope="module")
def ray(tmp_path_factory):
    """A Ray on this machine, which the annotations of this process share."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray", reason="needs ray")
    pytest.importorskip("ray.data", reason="needs ray[data]")
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture
def mixed_texts(tmp_path):
    """30 texts, a line that is no JSON and a row without a text."""
    rows = [{"text": f"{n}: {SENTENCES[n % 10]}", "n": n} for n in range(30)]
    return write_jsonl(tmp_path / "mixed.jsonl", [*rows[:7], "{bad", *rows[7:], {"n": 3}])


def run_ray(pipeline, texts, output, *, report=None, workers=2, **options):
    job = make_job(str(pipeline), [texts], output, workers=workers, **options)
    return annotate(job, report or Silent(), engine="ray")


@needs_ray
@pytest.mark.parametrize("name", ["jsonl", "parquet", "spacy"])
def test_the_parts_are_those_of_the_local_engine(name, ruler, mixed_texts, tmp_path):
    options = {**OPTIONS, "format": name}
    expected = run(ruler, mixed_texts, tmp_path / "local", **options)
    counts = run_ray(ruler, mixed_texts, tmp_path / "ray", **options)
    assert contents_of(tmp_path / "ray") == contents_of(tmp_path / "local")
    assert counts == expected
    assert counts.errors == {"invalid JSON": 1, "no text": 1}


@needs_ray
def test_a_deberta_gives_the_same_rows(tiny_pipeline, mixed_texts, tmp_path):
    options = {**OPTIONS, "fields": ["tags"], "workers": 2}
    run(tiny_pipeline, mixed_texts, tmp_path / "local", **options)
    run_ray(tiny_pipeline, mixed_texts, tmp_path / "ray", **options)
    rows, expected = (
        sorted(rows_of(tmp_path / name), key=lambda row: row["id"]) for name in ("ray", "local")
    )
    assert rows == expected


@needs_ray
def test_each_engine_continues_what_the_other_has_begun(ruler, texts, tmp_path):
    run(ruler, texts, tmp_path / "whole", **OPTIONS)
    with pytest.raises(StoppedError):
        run_ray(ruler, texts, tmp_path / "out", report=Stop(4), **OPTIONS)
    assert list(contents_of(tmp_path / "out")) == ["part-00000.jsonl"]
    with pytest.raises(StoppedError):
        run(ruler, texts, tmp_path / "out", report=Stop(4), **OPTIONS)
    (tmp_path / "out" / "part-00000.jsonl").unlink()
    report = Silent()
    run_ray(ruler, texts, tmp_path / "out", report=report, **OPTIONS)
    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")
    # The first and the third of three parts.
    assert len(report.bytes_read) == 3 + 2


@needs_ray
def test_paths_are_those_of_the_first_process(ruler, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counts = run_ray(os.path.relpath(ruler), "texts.jsonl", "out", limit=5, **OPTIONS)
    assert counts.texts == 5
    assert [row["id"] for row in rows_of("out")] == [f"texts.jsonl:{n}" for n in range(1, 6)]


@needs_ray
def test_errors_of_actors_and_readers_keep_their_codes(ruler, texts, tmp_path):
    with pytest.raises(ValueError, match="E807"):
        run_ray(ruler, texts, tmp_path / "actor", disable=["nothing"])
    table = tmp_path / "table.csv"
    table.write_text("text,text\na,b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="E804"):
        run_ray(ruler, table, tmp_path / "reader")


class Killer(Silent):
    """Kills an actor of this process after some batches.

    Args:
        kills: Number of actors to kill.
    """

    def __init__(self, kills):
        super().__init__()
        self.killed = []
        self._kills = kills

    def advance(self, counts, bytes_read):
        super().advance(counts, bytes_read)
        if len(self.killed) < self._kills and (actors := actors_of(os.getpid())):
            self.killed.append(random.choice(actors))
            os.kill(self.killed[-1], signal.SIGKILL)


def actors_of(process):
    """The processes of the actors of a pool, below a process."""
    parents, actors = {}, []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if b"MapWorker" in (path / "cmdline").read_bytes():
                actors.append(int(path.name))
    return [actor for actor in actors if process in ancestors(actor, parents)]


def ancestors(process, parents):
    while process := parents.get(process, 0):
        yield process


@needs_ray
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux")
def test_killed_actors_are_replaced(ruler, texts, tmp_path):
    random.seed(0)
    options = {**OPTIONS, "batch_size": 1}
    expected = run(ruler, texts, tmp_path / "whole", **options)
    killer = Killer(10 if LONG else 1)
    assert run_ray(ruler, texts, tmp_path / "out", report=killer, **options) == expected
    assert killer.killed
    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")


@needs_ray
@pytest.mark.slow
def test_the_first_process_is_killed(ruler, texts, tmp_path):
    random.seed(0)
    run(ruler, texts, tmp_path / "whole", **OPTIONS)
    kills, seconds = (20, 15.0) if LONG else (2, 8.0)
    options = ["--shard-size", "12", "--batch-size", "4", "--keep", "n", "--workers", "2"]
    paths = [str(ruler), str(texts), str(tmp_path / "out")]
    command = [*(sys.executable, "-m", "spacy", "deberta", "annotate"), *paths, *options]
    for _ in range(kills):
        process = subprocess.Popen([*command, "--engine", "ray"], stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.3, 1) * seconds)
        process.kill()
        process.wait()
    done = subprocess.run([*command, "--engine", "ray"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "30" in done.stdout
    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *(".lock", "manifest.json", "manifest.log"),
        *contents_of(tmp_path / "whole"),
    ]


def test_tables(ruler):
    pyarrow = pytest.importorskip("pyarrow")
    columns = RowColumns(keep=("n",))
    annotator = TableAnnotator(
        AnnotatorSettings(pipeline=str(ruler), columns=columns),
        fields=RecordFields(id="name", keep=("n",)),
    )
    rows = [{"name": "a", "text": SENTENCES[0], "n": "1"}, {"name": "b", "text": None, "n": "2"}]
    found = annotator(pyarrow.Table.from_pylist(rows)).to_pylist()
    assert [row["id"] for row in found] == ["a", "b"]
    assert [row["n"] for row in found] == ["1", "2"]
    assert [row["error"] for row in found] == [None, "no text: 'text' is of the type NoneType"]


def test_a_table_has_the_columns_of_parquet(ruler):
    pyarrow = pytest.importorskip("pyarrow")
    settings = AnnotatorSettings(pipeline=str(ruler))
    table = TableAnnotator(settings)(pyarrow.table({"text": [SENTENCES[0]]}))
    assert table.column_names == list(settings.columns.names)


def test_ray_is_not_installed(ruler, texts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"E819.*pip install 'spacy-deberta\[ray\]'"):
        run_ray(ruler, texts, tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "named"),
    [({"address": "auto"}, "--address"), ({"gpus_per_worker": 0.5}, "--gpus-per-worker")],
)
def test_options_of_a_cluster_are_for_ray(options, named, ruler, texts, tmp_path):
    with pytest.raises(ValueError, match=f"E818.*{named}"):
        run(ruler, texts, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options", [{"cpus_per_worker": 0}, {"gpus_per_worker": -1}, {"workers": 3, "max_workers": 2}]
)
def test_numbers_of_a_cluster(options, ruler, texts, tmp_path):
    with pytest.raises(ValueError, match="E413"):
        run(ruler, texts, tmp_path / "out", **options)


def test_no_gpu_and_no_cluster(ruler, texts, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    calls = []
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **options: calls.append(options))
    monkeypatch.setattr(ray, "shutdown", lambda: calls.append("shutdown"))
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    with pytest.raises(ValueError, match=r"E821.* 0\.5 GPUs"):
        run_ray(ruler, texts, tmp_path / "out", gpus_per_worker=0.5, workers=3)
    assert calls[0]["num_cpus"] >= 3
    assert calls[1] == "shutdown"

    def fail(**options):
        raise ConnectionError(f"Nothing at {options['address']}")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ValueError, match=r"E820.*'head:6379'.*Nothing at head:6379"):
        run_ray(ruler, texts, tmp_path / "out", address="head:6379")

"""An annotation that is killed at any time, again and again, loses and doubles nothing.

A few kills by default, 100 with SPACY_DEBERTA_FUZZ=long in the environment.
"""

import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from spacy_deberta.annotation import annotate, make_job
from tests.annotation.runs import Silent, contents_of, write_jsonl
from tests.conftest import SENTENCES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux"),
]

LONG = os.environ.get("SPACY_DEBERTA_FUZZ") == "long"
OPTIONS = {"shard_size": 12, "batch_size": 4, "keep": ["n"]}

# One process imports everything once, and all runs are forked from it.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload([__name__])


def run_here(pipeline, texts, folder, workers, ready):
    os.setsid()
    ready.send(None)
    job = make_job(str(pipeline), [texts], folder, workers=workers, **OPTIONS)
    annotate(job, Silent())


def start(*arguments):
    """Annotate in a process group of its own."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_here, args=(*arguments, sender))
    process.start()
    receiver.recv()
    return process


def children_of(process):
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def kill_all(process):
    os.killpg(process.pid, signal.SIGKILL)
    return True


def kill_first(process):
    os.kill(process.pid, signal.SIGKILL)
    return True


def kill_worker(process):
    """Kill one of the processes that annotate, if there are any yet."""
    children = children_of(process)
    if children:
        os.kill(random.choice(children), signal.SIGKILL)
    return bool(children)


@pytest.fixture(scope="module")
def many_texts(tmp_path_factory):
    rows = [{"n": n, "text": f"{n}: {SENTENCES[n % 10]}"} for n in range(1000 if LONG else 150)]
    return write_jsonl(tmp_path_factory.mktemp("texts") / "texts.jsonl", rows)


def check_kills(pipeline, texts, folder, *, workers, kills, ways):
    """Kill a process some times, in as many folders as it takes, and compare the results."""
    assert finish(pipeline, texts, folder / "whole", 1) == 0
    expected = contents_of(folder / "whole")
    assert len(expected) == (84 if LONG else 13)
    seconds = 1.0
    while kills:
        out = folder / str(kills)
        exitcode = None
        while kills and exitcode != 0:
            process = start(pipeline, texts, out, workers)
            began = time.monotonic()
            pause = random.uniform(0, seconds)
            # Some kills come while the process starts, most while it writes parts.
            while time.monotonic() - began < pause and process.is_alive():
                time.sleep(0.01)
            was_alive = False
            with suppress(ProcessLookupError):  # it has just ended
                was_alive = process.is_alive() and random.choice(ways)(process)
            process.join(120)
            exitcode = process.exitcode
            if exitcode == 0:
                seconds = time.monotonic() - began
            kills -= was_alive
        assert finish(pipeline, texts, out, 1) == 0
        assert contents_of(out) == expected
        assert sorted(path.name for path in out.iterdir()) == [
            *(".lock", "manifest.json", "manifest.log"),
            *expected,
        ]


def finish(pipeline, texts, folder, workers):
    process = start(pipeline, texts, folder, workers)
    process.join(120)
    return process.exitcode


def test_one_process(ruler, many_texts, tmp_path):
    random.seed(0)
    kills = 60 if LONG else 3
    check_kills(ruler, many_texts, tmp_path, workers=1, kills=kills, ways=[kill_first])


def test_several_processes(ruler, many_texts, tmp_path):
    random.seed(0)
    kills = 40 if LONG else 1
    ways = [kill_all, kill_first, kill_worker] if LONG else [kill_worker]
    check_kills(ruler, many_texts, tmp_path, workers=2, kills=kills, ways=ways)

"""Processes compute in order, and their ends are noticed."""

import multiprocessing
import os
import signal
import time

import pytest

from spacy_deberta.annotation.workers import WorkerPool, _serve, split_evenly


def build_sleeper(longest):
    """Sleeps longer for earlier tasks."""

    def compute(task):
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "fail":
            raise KeyError("no such thing")
        time.sleep(max(0.0, longest - task / 50))
        return os.getpid(), task

    return compute


def build_nothing():
    raise ValueError("[spacy-deberta E000] no")


@pytest.mark.slow
def test_results_are_in_the_order_of_the_tasks_and_failures_are_told():
    pool = WorkerPool(2, build_sleeper, 0.1)
    try:
        pool.wait_until_built()
        results = list(pool.map(range(12)))
        assert [task for _, task in results] == list(range(12))
        assert len({process for process, _ in results}) == 2
        assert list(pool.map([])) == []
        with pytest.raises(RuntimeError, match="KeyError.*no such thing"):
            list(pool.map(["fail"]))
        with pytest.raises(ValueError, match="E811.*SIGKILL"):
            list(pool.map([5, "die", 5, 5, 5, 5]))
    finally:
        pool.close()


def test_a_process_that_cannot_start_tells_why():
    ours, theirs = multiprocessing.Pipe()
    _serve(theirs, build_nothing, ())
    error, result = ours.recv()
    assert str(error) == "[spacy-deberta E000] no"
    assert result is None
    # The other side is gone.
    ours.close()
    _serve(theirs, build_sleeper, (0.1,))


def test_parts_of_about_one_length():
    assert split_evenly([1, 2, 3, 4, 5], 2) == [[1, 2, 3], [4, 5]]
    assert split_evenly([1], 2) == [[1], []]

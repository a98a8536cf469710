import threading
from concurrent.futures import CancelledError

import pytest

from spacy_deberta.service.batching import BatchWorker, WorkerState
from spacy_deberta.service.failures import (
    QueueFullError,
    WorkerFailedError,
    WorkerStoppedError,
)
from tests.service.conftest import wait_until


class Doubler:
    """Doubles numbers; it can be held up, and fails at odd ones."""

    def __init__(self):
        self.batches = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, numbers):
        self.go_on.wait(10)
        self.batches.append(list(numbers))
        if any(number % 2 for number in numbers):
            raise ValueError(f"odd: {numbers}")
        return [2 * number for number in numbers]


@pytest.fixture
def doubler():
    return Doubler()


@pytest.fixture
def make_worker(doubler):
    made = []

    def make(**settings):
        options = {"max_batch": 4, "wait": 0.0, "max_queue": 20, "warm_up": lambda: None}
        worker = BatchWorker(doubler, **{**options, **settings})
        made.append(worker)
        worker.start()
        return worker

    yield make
    doubler.go_on.set()
    for worker in made:
        worker.close()


def hold_up(worker, doubler):
    """Keep the worker busy with one task, so that others queue."""
    doubler.go_on.clear()
    (first,) = worker.submit([100])
    wait_until(lambda: first.running())
    return first


def test_what_has_queued_is_one_batch(make_worker, doubler):
    worker = make_worker()
    hold_up(worker, doubler)
    futures = [future for n in range(0, 12, 2) for future in worker.submit([n])]
    doubler.go_on.set()
    assert [future.result(10) for future in futures] == [0, 4, 8, 12, 16, 20]
    assert doubler.batches == [[100], [0, 2, 4, 6], [8, 10]]


def test_a_task_waits_for_others(make_worker, doubler):
    worker = make_worker(wait=30.0)
    futures = [future for n in (2, 4, 6, 8) for future in worker.submit([n])]
    # A full batch does not wait any longer.
    assert [future.result(10) for future in futures] == [4, 8, 12, 16]
    assert doubler.batches == [[2, 4, 6, 8]]


@pytest.mark.parametrize("bad", [0, 1, 2, 3])
def test_a_failing_task_fails_alone(make_worker, doubler, bad):
    worker = make_worker()
    hold_up(worker, doubler)
    numbers = [2, 4, 6, 8]
    numbers[bad] += 1
    futures = worker.submit(numbers)
    doubler.go_on.set()
    for position, (number, future) in enumerate(zip(numbers, futures, strict=True)):
        if position == bad:
            with pytest.raises(ValueError, match=f"odd: .{number}."):
                future.result(10)
        else:
            assert future.result(10) == 2 * number


def test_cancelled_tasks_are_not_processed(make_worker, doubler):
    worker = make_worker(max_queue=2)
    first = hold_up(worker, doubler)
    gone, kept = worker.submit([2, 4])
    with pytest.raises(QueueFullError, match=r"E848.* 2 texts|E848\] 2 texts"):
        worker.submit([6])
    assert gone.cancel()
    (late,) = worker.submit([6])  # in the place of the cancelled one
    doubler.go_on.set()
    assert (first.result(10), kept.result(10), late.result(10)) == (200, 8, 12)
    with pytest.raises(CancelledError):
        gone.result(0)
    assert doubler.batches == [[100], [4, 6]]


def test_closing_processes_what_waits(make_worker, doubler):
    worker = make_worker(wait=5.0)
    futures = worker.submit([2, 4])
    worker.close()
    assert [future.result(0) for future in futures] == [4, 8]
    assert worker.state is WorkerState.stopping
    with pytest.raises(WorkerStoppedError, match="E853"):
        worker.submit([2])
    worker.start()
    (again,) = worker.submit([2])
    worker.close()
    assert again.result(0) == 4


def test_a_failure_of_the_first_text_is_told_to_everyone(make_worker):
    asked = threading.Event()

    def warm_up():
        asked.wait(10)
        raise KeyError("no weights")

    worker = make_worker(warm_up=warm_up)
    assert worker.state is WorkerState.starting
    (early,) = worker.submit([2])
    asked.set()
    with pytest.raises(WorkerFailedError, match="E854.*KeyError: 'no weights'"):
        early.result(10)
    assert worker.state is WorkerState.failed
    with pytest.raises(WorkerFailedError):
        worker.submit([2])

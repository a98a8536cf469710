"""Collects single tasks of many threads, and processes them in batches in one thread."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from enum import Enum
from threading import Condition, Thread
from typing import Generic, TypeVar

from .failures import QueueFullError, WorkerFailedError, WorkerStoppedError

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class WorkerState(str, Enum):
    """What a worker does; tasks are accepted in the first two states."""

    starting = "starting"
    ready = "ready"
    stopping = "stopping"
    failed = "failed"


@dataclass
class _Job(Generic[TaskT, ResultT]):
    task: TaskT
    arrived: float
    future: "Future[ResultT]" = field(default_factory=Future)


class BatchWorker(Generic[TaskT, ResultT]):
    """A thread that processes tasks in batches, in the order in which they arrive.

    A batch has what has queued while the one before it was processed. If that is less than
    `max_batch`, it also has what arrives within `wait` seconds after its first task.
    """

    def __init__(
        self,
        process: Callable[[Sequence[TaskT]], Sequence[ResultT]],
        *,
        max_batch: int,
        wait: float,
        max_queue: int,
        warm_up: Callable[[], object],
    ) -> None:
        """Make a worker, without starting its thread.

        process (Callable[[Sequence[TaskT]], Sequence[ResultT]]): Computes the results of a batch.
        max_batch (int): Maximum number of tasks of a batch.
        wait (float): How long a task waits for others, in seconds.
        max_queue (int): Maximum number of tasks that wait.
        warm_up (Callable[[], object]): Called in the thread before the first batch.
        """
        self._process = process
        self._max_batch, self._wait, self._max_queue = max_batch, wait, max_queue
        self._warm_up = warm_up
        self._jobs: deque[_Job[TaskT, ResultT]] = deque()
        self._changed = Condition()
        self._state = WorkerState.starting
        self._failure: Exception | None = None
        # thinc's choice of CPU or GPU is a context variable, which threads do not inherit.
        self._context = copy_context()
        self._thread: Thread | None = None

    @property
    def state(self) -> WorkerState:
        """What the worker does."""
        return self._state

    @property
    def waiting(self) -> int:
        """Number of tasks that wait for their batch."""
        with self._changed:
            return sum(not job.future.cancelled() for job in self._jobs)

    def start(self) -> None:
        """Start the thread; also again after `close`."""
        self._state, self._failure = WorkerState.starting, None
        args = (self._run,)
        self._thread = Thread(target=self._context.run, args=args, name="annotate", daemon=True)
        self._thread.start()

    def submit(self, tasks: Sequence[TaskT]) -> list["Future[ResultT]"]:
        """Add tasks to the queue: all of them, or none.

        tasks (Sequence[TaskT]): The tasks.
        RETURNS (list[Future[ResultT]]): Their results. A task whose future is cancelled in time is
            not processed.

        Raises:
            QueueFullError: They do not fit in the queue.
            WorkerStoppedError: The worker was closed.
            WorkerFailedError: The warm-up failed.
        """
        now = time.monotonic()
        with self._changed:
            if self._failure is not None:
                raise WorkerFailedError(self._failure)
            if self._state is WorkerState.stopping:
                raise WorkerStoppedError
            if len(self._jobs) + len(tasks) > self._max_queue:
                self._drop_cancelled()
            if len(self._jobs) + len(tasks) > self._max_queue:
                raise QueueFullError(len(self._jobs))
            jobs: list[_Job[TaskT, ResultT]] = [_Job(task, now) for task in tasks]
            self._jobs.extend(jobs)
            self._changed.notify()
        return [job.future for job in jobs]

    def close(self) -> None:
        """Accept no more tasks, process those that wait, and end the thread."""
        with self._changed:
            if self._failure is None:
                self._state = WorkerState.stopping
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._warm_up()
        except Exception as error:
            self._fail(error)
            return
        with self._changed:
            if self._state is WorkerState.starting:
                self._state = WorkerState.ready
        while batch := self._next_batch():
            # Those that were cancelled in the meantime are left out.
            self._answer([job for job in batch if job.future.set_running_or_notify_cancel()])

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._state, self._failure = WorkerState.failed, error
            jobs = list(self._jobs)
            self._jobs.clear()
        for job in jobs:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(WorkerFailedError(error))

    def _next_batch(self) -> list[_Job[TaskT, ResultT]]:
        """Wait for tasks. An empty batch means that the worker was closed."""
        with self._changed:
            while not self._jobs and self._state is not WorkerState.stopping:
                self._changed.wait()
            if not self._jobs:
                return []
            # Tasks that queued during the last batch have waited long enough.
            deadline = self._jobs[0].arrived + self._wait
            while len(self._jobs) < self._max_batch and self._state is not WorkerState.stopping:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            size = min(self._max_batch, len(self._jobs))
            return [self._jobs.popleft() for _ in range(size)]

    def _drop_cancelled(self) -> None:
        self._jobs = deque(job for job in self._jobs if not job.future.cancelled())

    def _answer(self, jobs: list[_Job[TaskT, ResultT]]) -> None:
        """Process a batch. If it fails, its halves, so that only a task that fails alone fails."""
        if not jobs:
            return
        try:
            results = self._process([job.task for job in jobs])
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
                return
            middle = len(jobs) // 2
            self._answer(jobs[:middle])
            self._answer(jobs[middle:])
            return
        for job, result in zip(jobs, results, strict=True):
            job.future.set_result(result)

"""Choose the number of processes by a measurement."""

import time
from collections.abc import Callable

import torch
from spacy.util import minibatch

from .job import AnnotationJob
from .record_stream import Position, RecordStream
from .records import Record
from .runners import RecordBatch, Runner, SeveralProcesses, ThisProcess
from .workers import split_evenly

# Texts of the measurement: for each process, and at most.
_EACH, _MOST = 32, 256
# If one process needs less for all texts, others are not worth their start.
_SECONDS = 60.0


def start_runner(job: AnnotationJob, start: Position, say: Callable[[str], None]) -> Runner:
    """Start the processes of a job.

    Args:
        job: What to do. If it names no number of processes, one with all threads is compared with
            one for each thread, unless there is a GPU.
        start: The position after which the texts begin.
        say: Shows what was measured.

    Returns:
        The processes, which a `with` block has to enter.

    Raises:
        ValueError: The pipeline can't be loaded (E506, E807), there is no such GPU (E513), or a
            process was killed (E811).
    """
    if job.workers is not None:
        return ThisProcess(job) if job.workers == 1 else SeveralProcesses(job, job.workers)
    one, count = ThisProcess(job), torch.get_num_threads()
    if count == 1 or job.annotator.gpu_id >= 0 or _has_gpu():
        return one
    stream = RecordStream(job.inputs, job.fields, start=start, limit=job.limit)
    left = sum(file.size for file in job.inputs) - start.bytes_read
    # The first text is annotated before, because some things are made only once.
    sample = list(stream.take(min(_MOST, _EACH * count)))
    one.annotator(sample[:1])
    alone = _measure(lambda: one.annotator(sample))
    if alone * left <= _SECONDS * max(1, stream.position.bytes_read - start.bytes_read):
        return one
    say(f"Measuring one process with {count} threads, and {count} with one thread each")
    several = SeveralProcesses(job, count)
    try:
        several.pool.wait_until_built()
        together = _measure_several(several, sample, count, job.batch_size)
    except BaseException:
        several.pool.close()
        raise
    shown = f"One process: {len(sample) / alone:,.1f} texts/s, {count} processes: "
    shown += f"{len(sample) / together:,.1f} texts/s"
    if together >= alone:
        several.pool.close()
        say(f"{shown}. Using one")
        return one
    say(f"{shown}. Using {count}")
    return several


def _has_gpu() -> bool:
    """Whether a pipeline may run on a GPU, which processes would have to share."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _measure_several(
    several: SeveralProcesses, sample: list[Record], count: int, batch_size: int
) -> float:
    def run(batches: list[list[Record]]) -> None:
        for _ in several.pool.map(RecordBatch(0, Position(), batch) for batch in batches):
            pass

    run([sample[:1]] * count)
    parts = split_evenly(sample, count)
    return _measure(lambda: run([batch for part in parts for batch in minibatch(part, batch_size)]))


def _measure(run: Callable[[], object]) -> float:
    before = time.perf_counter()
    run()
    return time.perf_counter() - before

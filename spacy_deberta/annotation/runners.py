"""Annotate the parts of a job, in this process or in several."""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Protocol

import torch
from spacy.util import minibatch

from .annotator import Annotator
from .counts import Counts
from .formats import OutputFormat, make_format
from .job import AnnotationJob
from .record_stream import Position, RecordStream
from .records import Record
from .workers import WorkerPool

# Number of a part, and its records.
PartRecords = tuple[int, Iterable[Record]]


class EncodedBatch(NamedTuple):
    """Annotated records in the format of the output.

    Attributes:
        part: Number of the part that they are in.
        position: Of the last record.
        data: The bytes.
        counts: What is in them.
    """

    part: int
    position: Position
    data: bytes
    counts: Counts


class RecordBatch(NamedTuple):
    """Records that a process gets.

    Attributes:
        part: Number of the part that they are in.
        position: Of the last record.
        records: The records.
    """

    part: int
    position: Position
    records: list[Record]


class Runner(Protocol):
    """Annotates parts."""

    def run(self, parts: Iterable[PartRecords], stream: RecordStream) -> Iterator[EncodedBatch]:
        """Annotate parts.

        Args:
            parts: Their numbers and records, which are read from the stream as they are needed.
            stream: The stream, for its positions.

        Yields:
            The batches of all parts, in order.
        """

    def __enter__(self) -> "Runner": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class ThisProcess:
    """Annotates in this process, with all threads.

    Args:
        job: What to do.
    """

    def __init__(self, job: AnnotationJob) -> None:
        self.annotator = Annotator(job.annotator)
        self._output = make_format(job.format, keep_trf_data=job.keep_trf_data)

    def run(self, parts: Iterable[PartRecords], stream: RecordStream) -> Iterator[EncodedBatch]:
        """Annotate parts, each as one stream."""
        for number, records in parts:
            with self.annotator.memory_zone():
                for data, counts in encode_stream(self.annotator, self._output, records):
                    yield EncodedBatch(number, stream.position, data, counts)

    def __enter__(self) -> "ThisProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """There is nothing to end."""


class SeveralProcesses:
    """Annotates in several processes, among which the threads are divided.

    Args:
        job: What to do.
        count: Number of processes.

    Raises:
        ValueError: A process can't load the pipeline (E506, E807) or was killed (E811).
    """

    def __init__(self, job: AnnotationJob, count: int) -> None:
        self._batch_size = job.batch_size
        threads = max(1, torch.get_num_threads() // count)
        self.pool: WorkerPool[RecordBatch, EncodedBatch] = WorkerPool(
            count, build_worker, job, threads
        )

    def run(self, parts: Iterable[PartRecords], stream: RecordStream) -> Iterator[EncodedBatch]:
        """Annotate parts, a batch in each process at a time."""
        return self.pool.map(split_parts(parts, stream, self._batch_size))

    def __enter__(self) -> "SeveralProcesses":
        try:
            self.pool.wait_until_built()
        except BaseException:
            self.pool.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.pool.close()


def split_parts(
    parts: Iterable[PartRecords], stream: RecordStream, batch_size: int
) -> Iterator[RecordBatch]:
    """Split parts into batches, none of which crosses parts.

    Args:
        parts: Their numbers and records, which are read from the stream as they are needed.
        stream: The stream, for its positions.
        batch_size: Number of records of a batch, at most.

    Yields:
        The batches, in order.
    """
    for number, records in parts:
        for batch in minibatch(records, batch_size):
            yield RecordBatch(number, stream.position, batch)


def build_worker(job: AnnotationJob, threads: int) -> Callable[[RecordBatch], EncodedBatch]:
    """Make what a process runs.

    Args:
        job: What to do.
        threads: Number of threads of this process.

    Returns:
        The function that annotates a batch.
    """
    torch.set_num_threads(threads)
    annotator = Annotator(job.annotator)
    output = make_format(job.format, keep_trf_data=job.keep_trf_data)

    def annotate(batch: RecordBatch) -> EncodedBatch:
        with annotator.memory_zone():
            ((data, counts),) = encode_stream(annotator, output, batch.records)
        return EncodedBatch(batch.part, batch.position, data, counts)

    return annotate


def encode_stream(
    annotator: Annotator, output: OutputFormat, records: Iterable[Record]
) -> Iterator[tuple[bytes, Counts]]:
    """Annotate a stream of records, and encode a batch of them at a time.

    Args:
        annotator: The annotator.
        output: The format.
        records: The records, read as they are needed.

    Yields:
        The bytes of a batch, and what is in them.
    """
    columns = annotator.settings.columns
    for batch in minibatch(annotator.pipe(records), annotator.batch_size):
        counts = Counts()
        for _, doc, error in batch:
            counts.add(doc, error)
        yield output.encode(batch, columns), counts

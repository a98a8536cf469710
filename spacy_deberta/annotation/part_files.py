"""Which parts are missing in a folder, and how they are written."""

import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import chain, groupby
from typing import Protocol

from .counts import Counts
from .formats import make_format
from .job import AnnotationJob
from .output_folder import OutputFolder
from .record_stream import Position, RecordStream
from .runners import EncodedBatch, PartRecords


class ProgressReport(Protocol):
    """Shows the progress."""

    def start(self, bytes_read: int, total_bytes: int) -> None:
        """Annotation starts, with this much of the input behind it."""

    def say(self, text: str) -> None:
        """Show a message."""

    def advance(self, counts: Counts, bytes_read: int) -> None:
        """A batch was annotated."""


def find_start(folder: OutputFolder) -> Position:
    """The position after which the first part begins that is not complete."""
    first = folder.first_missing
    return folder.parts[first - 1].position if first else Position()


def read_missing_parts(
    stream: RecordStream, size: int, first: int, complete: AbstractSet[int]
) -> Iterator[PartRecords]:
    """Read the parts to annotate. Records of those that are complete are read and left out.

    Args:
        stream: The records from the first missing part on.
        size: Number of records of a part.
        first: Number of the first missing part.
        complete: Numbers of the parts that are complete.

    Yields:
        The number of each part, and its records, read while they are used.
    """
    number = first
    while True:
        records = stream.take(size)
        head = next(records, None)
        if head is None:
            return
        if number not in complete:
            yield number, chain([head], records)
        for _ in records:
            pass
        number += 1


def write_parts(
    batches: Iterable[EncodedBatch],
    job: AnnotationJob,
    folder: OutputFolder,
    report: ProgressReport,
) -> None:
    """Write annotated batches to the parts that they are in.

    Args:
        batches: The batches, in the order of the input.
        job: What they are of.
        folder: Where, opened with the plan of the job.
        report: Shows the progress.
    """
    output = make_format(job.format, keep_trf_data=job.keep_trf_data)
    report.start(find_start(folder).bytes_read, sum(file.size for file in job.inputs))
    began = time.perf_counter()
    for number, own in groupby(batches, key=lambda batch: batch.part):
        counts, position = Counts(), Position()
        with folder.part(number) as file:
            part = output.open(file, job.annotator.columns)
            for batch in own:
                part.write(batch.data)
                counts.update(batch.counts)
                position = batch.position
                report.advance(batch.counts, position.bytes_read)
            part.close()
        ended = time.perf_counter()
        counts.seconds, began = ended - began, ended
        folder.note(number, position, counts)

"""The local engine: annotates on this machine, in this process or in several."""

import time
from collections.abc import Iterator
from itertools import chain, groupby
from typing import Protocol

from .choosing import start_runner
from .counts import Counts
from .formats import make_format
from .job import AnnotationJob
from .output_folder import OutputFolder
from .record_stream import Position, RecordStream
from .runners import PartRecords


class ProgressReport(Protocol):
    """Shows the progress."""

    def start(self, bytes_read: int, total_bytes: int) -> None:
        """Annotation starts, with this much of the input behind it."""

    def say(self, text: str) -> None:
        """Show a message."""

    def advance(self, counts: Counts, bytes_read: int) -> None:
        """A batch was annotated."""


def run_local(job: AnnotationJob, folder: OutputFolder, report: ProgressReport) -> None:
    """Annotate what is missing in the folder.

    Args:
        job: What to do.
        folder: Where, opened with the plan of the job.
        report: Shows the progress.

    Raises:
        ValueError: The pipeline can't be loaded (E506, E807), a process was killed (E811), or there
            is no such GPU (E513).
    """
    first = folder.first_missing
    start = folder.parts[first - 1].position if first else Position()
    stream = RecordStream(job.inputs, job.fields, start=start, limit=job.limit)
    output = make_format(job.format, keep_trf_data=job.keep_trf_data)
    with start_runner(job, start, report.say) as runner:
        report.start(start.bytes_read, sum(file.size for file in job.inputs))
        began = time.perf_counter()
        batches = runner.run(_missing_parts(stream, job.shard_size, folder), stream)
        for number, own in groupby(batches, key=lambda batch: batch.part):
            counts, position = Counts(), start
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


def _missing_parts(stream: RecordStream, size: int, folder: OutputFolder) -> Iterator[PartRecords]:
    """The parts to annotate. Records of those that are complete are read and left out."""
    number = folder.first_missing
    complete = set(folder.parts)
    while True:
        records = stream.take(size)
        first = next(records, None)
        if first is None:
            return
        if number not in complete:
            yield number, chain([first], records)
        for _ in records:
            pass
        number += 1

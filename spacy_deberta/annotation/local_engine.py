"""The local engine: annotates on this machine, in this process or in several."""

from .choosing import start_runner
from .job import AnnotationJob
from .output_folder import OutputFolder
from .part_files import ProgressReport, find_start, read_missing_parts, write_parts
from .record_stream import RecordStream


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
    start = find_start(folder)
    stream = RecordStream(job.inputs, job.fields, start=start, limit=job.limit)
    with start_runner(job, start, report.say) as runner:
        parts = read_missing_parts(stream, job.shard_size, folder.first_missing, set(folder.parts))
        write_parts(runner.run(parts, stream), job, folder, report)

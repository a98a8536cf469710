"""The engine "ray": annotates in a pool of actors of Ray Data, on this machine or on a cluster.

One task of Ray Data reads, its actors annotate, and the first process writes. Ray's own readers and
writers are not used:

- `ray.data.read_json` ends at a line that is no JSON, and none of its readers knows the number of
  a row, which is its id.
- A writer in an actor may be killed, and started again, at any time. Here an actor has no side
  effects, so Ray can repeat what it did; and the process that holds the lock of the folder writes
  the same parts as the local engine. So each engine continues what the other has begun.

`TableAnnotator` is for those whose files are so large that one reader is too slow.
"""

import logging
import os
import pickle
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spacy_deberta.errors import Errors

from .job import AnnotationJob
from .output_folder import OutputFolder
from .part_files import ProgressReport, find_start, read_missing_parts, write_parts
from .record_stream import Position, RecordStream
from .runners import EncodedBatch, build_worker, split_parts

if TYPE_CHECKING:
    from ray.data import Dataset

# The only column of the datasets: a pickled batch.
_BATCH = "batch"


def run_ray(job: AnnotationJob, folder: OutputFolder, report: ProgressReport) -> None:
    """Annotate what is missing in the folder.

    Args:
        job: What to do. Its pipeline has to be at the same path on all machines, or installed.
        folder: Where, opened with the plan of the job.
        report: Shows the progress.

    Raises:
        ValueError: Ray is not installed (E819), can't be started (E820), has too few GPUs (E821) or
            has given up (E822); or the pipeline can't be loaded (E506, E807).
    """
    with ExitStack() as stack:
        stack.enter_context(_ray(job))
        stack.enter_context(_coded_errors())
        dataset = _annotated(job, folder)
        report.say("Starting the processes of Ray")
        rows = stack.enter_context(closing(cast(Any, iter(dataset.iter_rows()))))
        batches: Iterator[EncodedBatch] = (pickle.loads(row[_BATCH]) for row in rows)
        write_parts(batches, job, folder, report)


class AnnotatingActor:
    """What an actor of the pool runs: pickled batches of records → pickled batches of bytes.

    Args:
        job: What to do.
    """

    def __init__(self, job: AnnotationJob) -> None:
        settings = job.annotator
        if settings.gpu_id >= 0:
            # Ray hides the GPUs of others.
            settings = replace(settings, gpu_id=0)
        self._annotate = build_worker(replace(job, annotator=settings), job.cluster.cpus_per_worker)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Annotate batches."""
        results = [pickle.dumps(self._annotate(pickle.loads(data))) for data in batch[_BATCH]]
        return {_BATCH: np.array(results, dtype=object)}


def _annotated(job: AnnotationJob, folder: OutputFolder) -> "Dataset":
    """The dataset of the annotated batches that are missing in a folder, in order."""
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    # A batch is a block: Ray would otherwise collect megabytes for one actor, and let others wait.
    context.target_max_block_size = 1
    cluster = job.cluster
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    with DataContext.current(context):
        start, complete = find_start(folder), frozenset(folder.parts)
        source = _make_source(job, start, folder.first_missing, complete)
        # The files are those of this machine. No core is reserved, because the actors may have all.
        batches = ray.data.read_datasource(
            source, override_num_blocks=1, num_cpus=0, label_selector=here
        )
        return batches.map_batches(
            AnnotatingActor,
            fn_constructor_kwargs={"job": _with_absolute_paths(job)},
            batch_size=1,
            batch_format="numpy",
            compute=ActorPoolStrategy(
                min_size=job.workers or 1, max_size=cluster.max_workers or job.workers
            ),
            num_cpus=cluster.cpus_per_worker,
            num_gpus=_gpus(job),
        )


def _make_source(
    job: AnnotationJob, start: Position, first: int, complete: AbstractSet[int]
) -> Any:
    """A source with one task, which reads the missing parts of a job as a stream of batches."""
    import pyarrow
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    folder = Path.cwd()
    total = sum(file.size for file in job.inputs) - start.bytes_read

    def read() -> Iterator[Any]:
        # Paths are relative to the folder of the first process, and ids begin with them.
        os.chdir(folder)
        stream = RecordStream(job.inputs, job.fields, start=start, limit=job.limit)
        parts = read_missing_parts(stream, job.shard_size, first, complete)
        for batch in split_parts(parts, stream, job.batch_size):
            yield pyarrow.table({_BATCH: [pickle.dumps(batch)]})

    class RecordSource(Datasource):
        def estimate_inmemory_data_size(self) -> int:
            return total

        def get_read_tasks(
            self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
        ) -> list[Any]:
            metadata = BlockMetadata(
                num_rows=None, size_bytes=total, input_files=None, exec_stats=None
            )
            return [ReadTask(read, metadata)]

    return RecordSource()


@contextmanager
def _ray(job: AnnotationJob) -> Iterator[None]:
    """Ray, silent, without its pages and statistics; that of the caller if it runs already."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ValueError(Errors.E819.format(error=error)) from error
    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    cluster = job.cluster
    options: dict[str, Any] = {"address": cluster.address}
    if cluster.address is None:
        # As many cores as are asked for, even if there are fewer: Ray would wait for them forever.
        cores = cluster.cpus_per_worker * (cluster.max_workers or job.workers or 1)
        options = {
            "address": "local",
            "include_dashboard": False,
            "num_cpus": max(os.cpu_count() or 1, cores),
        }
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except Exception as error:  # Ray has no type for it: it may be any of five
        where = cluster.address or "this machine"
        raise ValueError(Errors.E820.format(address=where, error=error)) from error
    try:
        found = ray.cluster_resources().get("GPU", 0)
        if cluster.address is None and found < _gpus(job):
            raise ValueError(Errors.E821.format(wanted=_gpus(job), found=found))
        yield
    finally:
        ray.shutdown()


@contextmanager
def _coded_errors() -> Iterator[None]:
    """Raise errors of this package as they were, and those of Ray with a code."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        cause: BaseException | None = error
        while cause is not None:
            own = getattr(cause, "cause", None)
            if isinstance(own, ValueError) and str(own).startswith("[spacy-deberta E"):
                raise ValueError(str(own)) from error
            cause = own if isinstance(own, BaseException) else cause.__cause__
        raise ValueError(Errors.E822.format(error=" ".join(str(error).split())[-300:])) from error


def _with_absolute_paths(job: AnnotationJob) -> AnnotationJob:
    """A job whose pipeline and code do not depend on the folder of a process."""

    def resolve(name: str) -> str:
        path = Path(name).expanduser()
        return str(path.resolve()) if path.exists() else name

    settings = job.annotator
    code = None if settings.code is None else resolve(settings.code)
    settings = replace(settings, pipeline=resolve(settings.pipeline), code=code)
    return replace(job, annotator=settings)


def _gpus(job: AnnotationJob) -> float:
    """GPUs of an actor, or the share of one."""
    return job.cluster.gpus_per_worker or float(job.annotator.gpu_id >= 0)

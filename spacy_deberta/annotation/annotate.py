"""Annotate files of texts: the entry of the package, for the command line and for Python."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spacy_deberta.errors import Errors, check_number

from .annotator import AnnotatorSettings
from .counts import Counts
from .input_files import find_inputs
from .job import AnnotationJob, ClusterSettings, read_batch_size
from .local_engine import run_local
from .output_folder import OutputFolder
from .part_files import ProgressReport
from .ray_engine import run_ray
from .records import RecordFields
from .row_columns import RowColumns

# Runs a job, by the name of the engine.
ENGINES: Mapping[str, Callable[[AnnotationJob, OutputFolder, ProgressReport], None]] = {
    "local": run_local,
    "ray": run_ray,
}
# Texts of a part, at least, unless a number is given.
_SHARD_SIZE = 5_000


def make_job(
    pipeline: str,
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    format: str = "jsonl",  # noqa: A002 (the name of the option)
    text_field: str = "text",
    id_field: str | None = None,
    keep: Sequence[str] = (),
    text: bool = True,
    fields: Sequence[str] = (),
    vectors: bool = False,
    keep_trf_data: bool = False,
    shard_size: int | None = None,
    batch_size: int | None = None,
    limit: int | None = None,
    workers: int | None = None,
    gpu_id: int = -1,
    disable: Sequence[str] = (),
    code: str | os.PathLike[str] | None = None,
    address: str | None = None,
    max_workers: int | None = None,
    cpus_per_worker: int = 1,
    gpus_per_worker: float = 0.0,
) -> AnnotationJob:
    """Check the settings of an annotation.

    Args:
        pipeline: A folder or a package.
        inputs: Files, folders and patterns.
        output: The folder to write.
        format: Name of the format of the output: "jsonl", "parquet" or "spacy".
        text_field: The field of the text.
        id_field: The field of the id; None for the file and the number of the row.
        keep: Fields to copy to the output.
        text: Whether the output has the texts.
        fields: What else it has: names of `FIELDS`.
        vectors: Whether it has the vectors of the texts.
        keep_trf_data: Whether documents keep `doc._.trf_data`; with the format "spacy".
        shard_size: Texts in each file of the output; None for the first multiple of the batch size
            from 5,000 on.
        batch_size: Texts in a batch; None for that of the pipeline.
        limit: Number of texts, at most; None for all.
        workers: Number of processes; None to choose it by a measurement.
        gpu_id: Index of the GPU, or -1 for the CPU.
        disable: Components that do not run.
        code: A Python file to import first.
        address: Of a Ray cluster; None to start one on this machine. This and what follows is for
            the engine "ray": see `ClusterSettings`.
        max_workers: Number of processes that the pool may grow to.
        cpus_per_worker: Cores and threads of a process.
        gpus_per_worker: GPUs of a process, or the share of one.

    Raises:
        ValueError: A setting is wrong (E413, E805, E806, E808, E809), there are no texts (E801,
            E802, E825), the pipeline is not found (E506), or a package is missing (E803).
    """
    numbers = {
        "shard_size": shard_size,
        "batch_size": batch_size,
        "limit": limit,
        "workers": workers,
        "max_workers": max_workers,
        "cpus_per_worker": cpus_per_worker,
    }
    for name, value in numbers.items():
        if value is not None:
            check_number(name, value, lambda n: n >= 1, "at least 1", whole=True)
    check_number("gpus_per_worker", gpus_per_worker, lambda n: n >= 0, "at least 0")
    if max_workers is not None:
        most = max_workers
        check_number("workers", workers or 1, lambda n: n <= most, f"at most {most}, max_workers")
    size = batch_size or read_batch_size(pipeline)
    kept = tuple(dict.fromkeys(keep))
    columns = RowColumns(text=text, fields=tuple(fields), vectors=vectors, keep=kept)
    return AnnotationJob(
        annotator=AnnotatorSettings(
            pipeline=pipeline,
            columns=columns,
            disable=tuple(disable),
            code=None if code is None else os.fspath(code),
            gpu_id=gpu_id,
            batch_size=size,
        ),
        inputs=find_inputs(inputs, output=Path(output)),
        output=Path(output),
        fields=RecordFields(text=text_field, id=id_field, keep=kept),
        format=format,
        shard_size=shard_size or -(-_SHARD_SIZE // size) * size,
        batch_size=size,
        limit=limit,
        keep_trf_data=keep_trf_data,
        workers=workers,
        cluster=ClusterSettings(
            address=address,
            max_workers=max_workers,
            cpus_per_worker=cpus_per_worker,
            gpus_per_worker=gpus_per_worker,
        ),
    )


def annotate(
    job: AnnotationJob,
    report: ProgressReport,
    *,
    overwrite: bool = False,
    engine: str = "local",
) -> Counts:
    """Annotate texts, or what is left of them after an earlier call was ended.

    Args:
        job: What to do.
        report: Shows the progress.
        overwrite: Whether to remove an earlier output in the folder.
        engine: Name of the engine.

    Returns:
        What is in the output.

    Raises:
        ValueError: There is no such engine (E816); the folder has the output of another plan
            (E813), other files (E814) or a damaged manifest (E815); an option is for the engine
            "ray" (E818); or see `run_local` and `run_ray`.
        OSError: Another process writes to the folder (E812).
    """
    if engine not in ENGINES:
        raise ValueError(Errors.E816.format(name=engine, known=", ".join(ENGINES)))
    if engine != "ray" and (changed := job.cluster.changed):
        raise ValueError(Errors.E818.format(option=changed[0], engine=engine))
    folder = OutputFolder(job.output, suffix=job.format)
    plan = job.plan()
    with folder.owned():
        if folder.open(plan, overwrite=overwrite):
            report.say(f"Nothing to do: all parts in {folder.path} are complete")
        else:
            ENGINES[engine](job, folder, report)
            folder.finish(plan)
        return folder.counts

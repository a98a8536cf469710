"""`spacy deberta annotate`: files of texts → files of annotated texts, with a pipeline."""

import json
import os
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wasabi import table

from spacy_deberta.errors import Errors

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors

if TYPE_CHECKING:
    from tqdm import tqdm

    from spacy_deberta.annotation import Counts

AUTO = "auto"
# Exit code of a process that Ctrl-C has ended.
INTERRUPTED = 130
INPUT_HELP = (
    "Texts: .jsonl, .csv, .tsv, .parquet, .txt with a text in each line, or .spacy; files, "
    "folders and patterns"
)
FIELDS_HELP = "Comma-separated: tokens, tags, lemmas, dependencies, sentences"
KEEP_HELP = "Field of the input to copy to the output; may be given several times"
SHARD_HELP = (
    "Texts in each file of the output. If not given, the first multiple of the batch size from "
    "5,000 on"
)
WORKERS_HELP = "Number of processes, or 'auto' to choose it by a short measurement"
ENGINE_HELP = "What runs the annotation: local, or ray for Ray Data, on this machine or a cluster"
ADDRESS_HELP = "Address of a Ray cluster, or 'auto'; if not given, Ray is started on this machine"
MAX_WORKERS_HELP = "Processes that the pool of Ray may grow to; --workers is where it begins"
ID_HELP = "Field of the id; if not given, the id is the file and the number of the row"


class _Format(str, Enum):
    """The formats of the output, for typer."""

    jsonl = "jsonl"
    parquet = "parquet"
    spacy = "spacy"


@deberta_cli.command("annotate")
def annotate_cli(
    pipeline: Annotated[str, Arg(help="The trained pipeline: a folder or a package")],
    inputs: Annotated[list[str], Arg(help=INPUT_HELP)],
    output: Annotated[Path, Arg(help="The folder for the annotated texts")],
    format: Annotated[  # noqa: A002 (the name of the option)
        _Format, Opt("--format", "-f", help="Format of the output")
    ] = _Format.jsonl,
    text_field: Annotated[str, Opt("--text-field", "-t", help="Field of the text")] = "text",
    id_field: Annotated[str | None, Opt("--id-field", "-i", help=ID_HELP)] = None,
    keep: Annotated[list[str] | None, Opt("--keep", "-k", help=KEEP_HELP)] = None,
    fields: Annotated[str | None, Opt("--fields", "-F", help=FIELDS_HELP)] = None,
    vectors: Annotated[bool, Opt("--vectors", "-v", help="Write the vector of each text")] = False,
    no_text: Annotated[bool, Opt("--no-text", help="Leave out the texts")] = False,
    keep_trf_data: Annotated[
        bool, Opt("--keep-trf-data", help="Keep doc._.trf_data, with --format spacy")
    ] = False,
    shard_size: Annotated[int | None, Opt("--shard-size", "-s", help=SHARD_HELP)] = None,
    batch_size: Annotated[
        int | None, Opt("--batch-size", "-b", help="Texts in a batch; the pipeline's if not given")
    ] = None,
    limit: Annotated[int | None, Opt("--limit", "-l", help="Number of texts, at most")] = None,
    workers: Annotated[str, Opt("--workers", "-w", help=WORKERS_HELP)] = AUTO,
    gpu_id: Annotated[int, Opt("--gpu-id", "-g", help="GPU ID or -1 for CPU")] = -1,
    disable: Annotated[
        str | None, Opt("--disable", "-d", help="Comma-separated components that do not run")
    ] = None,
    code: Annotated[
        Path | None, Opt("--code", "-c", help="Python file with functions that the config names")
    ] = None,
    engine: Annotated[str, Opt("--engine", "-e", help=ENGINE_HELP)] = "local",
    address: Annotated[str | None, Opt("--address", "-a", help=ADDRESS_HELP)] = None,
    max_workers: Annotated[int | None, Opt("--max-workers", "-m", help=MAX_WORKERS_HELP)] = None,
    cpus_per_worker: Annotated[
        int, Opt("--cpus-per-worker", help="Cores and threads of each process of Ray")
    ] = 1,
    gpus_per_worker: Annotated[
        float, Opt("--gpus-per-worker", help="GPUs of each process of Ray, or the share of one")
    ] = 0.0,
    overwrite: Annotated[
        bool, Opt("--overwrite", "-O", help="Remove an earlier output in the folder")
    ] = False,
    as_json: Annotated[bool, Opt("--json", "-j", help="Print JSON instead of a table")] = False,
) -> None:
    """Annotate many texts with a trained pipeline. If it is ended at any time, the
    same command continues. Rows without a text get an error and are not lost.

    DOCS: docs/api/cli.md#annotate
    """
    try:
        with show_errors():
            counts = annotate(
                pipeline,
                inputs,
                output,
                engine=engine,
                overwrite=overwrite,
                format=format.value,
                text_field=text_field,
                id_field=id_field,
                keep=keep or (),
                fields=_split(fields),
                vectors=vectors,
                text=not no_text,
                keep_trf_data=keep_trf_data,
                shard_size=shard_size,
                batch_size=batch_size,
                limit=limit,
                workers=_to_number(workers),
                gpu_id=gpu_id,
                disable=_split(disable),
                code=code,
                address=address,
                max_workers=max_workers,
                cpus_per_worker=cpus_per_worker,
                gpus_per_worker=gpus_per_worker,
            )
    except KeyboardInterrupt:
        message = "Interrupted. Parts that are complete are kept: the same command continues."
        print(message, file=sys.stderr, flush=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print(json.dumps(counts.to_dict(), indent=2, ensure_ascii=False))
        return
    print_text(format_counts(counts))
    make_printer(sys.stdout).good(f"Annotated {counts.texts:,} texts")
    print_text(str(output))


def annotate(
    pipeline: str | os.PathLike[str],
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    engine: str = "local",
    overwrite: bool = False,
    **options: Any,
) -> "Counts":
    """Annotate files of texts, or continue an earlier annotation in the same folder.

    pipeline (str | os.PathLike[str]): A folder or a package.
    inputs (Sequence[str | os.PathLike[str]]): Files, folders and patterns.
    output (str | os.PathLike[str]): The folder for the annotated texts.
    engine (str): What runs the annotation.
    overwrite (bool): Remove an earlier output in the folder.
    **options: The other options of the command: see `spacy_deberta.annotation.make_job`.
    RETURNS (Counts): What is in the output.
    """
    # PyTorch takes seconds to import.
    from spacy_deberta import annotation

    job = annotation.make_job(os.fspath(pipeline), inputs, output, **options)
    report = _AnnotationBar()
    try:
        return annotation.annotate(job, report, overwrite=overwrite, engine=engine)
    finally:
        report.close()


def format_counts(counts: "Counts") -> str:
    """The counts as a table."""
    rows = [("texts", f"{counts.texts:,}"), ("words", f"{counts.words:,}")]
    rows += [(f"entity {label}", f"{n:,}") for label, n in sorted(counts.entities.items())]
    rows += [(f"error: {kind}", f"{n:,}") for kind, n in sorted(counts.errors.items())]
    if counts.seconds:
        rows.append(("words/s", f"{counts.words / counts.seconds:,.0f}"))
    return table(rows, aligns=("l", "r"), max_col=80)


class _AnnotationBar:
    """A progress bar over the bytes of the input, with the rate and the time left."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._texts = self._words = 0

    def start(self, bytes_read: int, total_bytes: int) -> None:
        """Show the bar, with what was done before."""
        from tqdm import tqdm

        shown = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        # A file that gets the messages is not filled with bars.
        pause = 0.5 if sys.stderr.isatty() else 10.0
        self._bar = tqdm(
            total=total_bytes, initial=bytes_read, bar_format=shown, miniters=1, mininterval=pause
        )

    def say(self, text: str) -> None:
        """Show a message."""
        print(text, file=sys.stderr, flush=True)

    def advance(self, counts: "Counts", bytes_read: int) -> None:
        """A batch was annotated."""
        assert self._bar is not None
        self._texts += counts.texts
        self._words += counts.words
        seconds = self._bar.format_dict["elapsed"] or 1.0
        rate = f"{self._texts:,} texts, {self._words / seconds:,.0f} words/s"
        self._bar.set_postfix_str(rate, refresh=False)
        self._bar.update(bytes_read - self._bar.n)

    def close(self) -> None:
        """Leave the bar visible."""
        if self._bar is not None:
            self._bar.close()


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def _to_number(workers: str) -> int | None:
    if workers == AUTO:
        return None
    try:
        return int(workers)
    except ValueError as error:
        raise ValueError(Errors.E817.format(value=workers)) from error

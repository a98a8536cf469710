"""`spacy deberta visualize`: scores and predictions of a trained pipeline on an HTML page."""

import os
import sys
import zlib
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

from spacy.language import Language
from spacy.training import Corpus, Example

from spacy_deberta.corpora import copy_choices, copy_questions
from spacy_deberta.errors import Errors

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from .html_file import write_html
from .report import (
    Report,
    can_plot,
    read_log,
    read_metrics,
    render_report,
    sort_scores,
)
from .text_splitters import load_pipeline

DEFAULT_LIMIT = 25

METRICS_HELP = (
    "Scores as `spacy benchmark accuracy --output` writes them; computed from DATA if not given"
)
LOG_HELP = "Training log as `spacy.ConsoleLogger.v3` writes it to its `output_file`"


@deberta_cli.command("visualize")
def visualize_cli(
    model: Annotated[str, Arg(help="Trained pipeline (package or folder)")],
    data: Annotated[Path, Arg(help="Texts with gold annotations, in .spacy format")],
    output: Annotated[Path, Arg(help="The HTML page to write; an existing file is replaced")],
    metrics: Annotated[Path | None, Opt("--metrics", "-m", help=METRICS_HELP)] = None,
    log: Annotated[Path | None, Opt("--log", "-l", help=LOG_HELP)] = None,
    limit: Annotated[int, Opt("--limit", "-n", help="Number of texts to show")] = DEFAULT_LIMIT,
    use_gpu: Annotated[int, Opt("--gpu-id", "-g", help="GPU ID or -1 for CPU")] = -1,
) -> None:
    """Write an HTML page about a trained pipeline: its scores, its training log, and
    texts with predictions beside the gold annotations. The page is one file and
    needs no network.

    DOCS: docs/api/cli.md#visualize
    """
    from spacy_deberta.layers import select_gpu

    with show_errors():
        if use_gpu >= 0:
            select_gpu(use_gpu)
        report = visualize(model, data, output, metrics=metrics, log=log, limit=limit)
    if not report.has_plots:
        with redirect_stdout(sys.stderr):
            make_printer(sys.stderr).warn(Errors.E511)
    msg = make_printer(sys.stdout)
    msg.good(f"Saved the page of {report.count:,} texts, {len(report.examples)} of them shown")
    print_text(str(output))


def visualize(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    metrics: str | os.PathLike[str] | None = None,
    log: str | os.PathLike[str] | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Report:
    """Write a page about a trained pipeline.

    model (str | os.PathLike[str]): Its package, or its folder.
    data (str | os.PathLike[str]): Texts with gold annotations, in .spacy format.
    output (str | os.PathLike[str]): The HTML page to write; an existing file is replaced.
    metrics (str | os.PathLike[str] | None): Scores as `spacy benchmark accuracy --output` writes
        them; computed from the data if None.
    log (str | os.PathLike[str] | None): Training log of `spacy.ConsoleLogger.v3`.
    limit (int): Number of texts to show.
    RETURNS (Report): The contents of the page. Without matplotlib, it has a note instead of plots.
    """
    if limit < 0:
        raise ValueError(Errors.E413.format(name="limit", value=limit, condition="0 or more"))
    # Small files first, so that a wrong name fails before the pipeline is loaded.
    scores = None if metrics is None else read_metrics(Path(metrics))
    training_log = None if log is None else read_log(Path(log))
    nlp = load_pipeline(model if isinstance(model, str) else Path(model))
    examples = _read_examples(nlp, Path(data))
    source = f"computed on {data}" if metrics is None else f"from {metrics}"
    if scores is None:
        scores = nlp.evaluate(examples)
    shown = examples[:limit]
    for example in shown:
        # A reader of .spacy files sets only the text of the predicted document.
        copy_choices(example.predicted, example.reference)
        copy_questions(example.predicted, example.reference)
    # `nlp.evaluate` does not return the documents.
    docs = nlp.pipe([example.predicted for example in shown])
    for example, doc in zip(shown, docs, strict=True):
        example.predicted = doc
    report = Report(
        nlp=nlp,
        data=str(data),
        count=len(examples),
        examples=shown,
        scores=sort_scores(scores),
        scores_source=source,
        log=training_log,
        has_plots=can_plot(),
    )
    write_html(render_report(report), Path(output))
    return report


def _read_examples(nlp: Language, path: Path) -> list[Example]:
    cause = None
    if not path.is_file():
        cause = "there is no such file"
    elif path.suffix != ".spacy":
        cause = "its name does not end in .spacy"
    else:
        try:
            examples = list(Corpus(path)(nlp))
        except OSError as error:
            cause = error.strerror or str(error)
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            cause = f"it is damaged or no binary format of spaCy: {error}"
        else:
            if examples:
                return examples
            cause = "it has no texts"
    way_out = "Write it with `spacy convert` or `DocBin.to_disk`"
    raise ValueError(Errors.E512.format(kind="data", path=path, cause=cause, way_out=way_out))

"""`spacy deberta visualize`: scores and predictions of a trained pipeline on an HTML page."""

import os
import sys
import zlib
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.training import Corpus, Example

from spacy_deberta.corpora import copy_choices, copy_questions
from spacy_deberta.errors import Errors
from spacy_deberta.pages import write_html
from spacy_deberta.plots import can_plot

from ._util import Arg, Opt, deberta_cli, make_printer, print_text, show_errors
from .report import (
    Report,
    choose_texts,
    draw_parses,
    list_labels,
    read_log,
    read_metrics,
    read_texts,
    render_report,
    sort_scores,
)
from .text_splitters import load_pipeline

DEFAULT_LIMIT = 25

METRICS_HELP = (
    "Scores as `spacy benchmark accuracy --output` writes them; computed from DATA if not given"
)
LIMIT_HELP = "Number of texts to show, those with errors first"
LOG_HELP = "Training log as `spacy.ConsoleLogger.v3` writes it to its `output_file`"


@deberta_cli.command("visualize", short_help="Write an HTML page about a trained pipeline.")
def visualize_cli(
    model: Annotated[str, Arg(help="Trained pipeline (package or folder)")],
    data: Annotated[Path, Arg(help="Texts with gold annotations, in .spacy format")],
    output: Annotated[Path, Arg(help="The HTML page to write; an existing file is replaced")],
    metrics: Annotated[Path | None, Opt("--metrics", "-m", help=METRICS_HELP)] = None,
    log: Annotated[Path | None, Opt("--log", "-l", help=LOG_HELP)] = None,
    limit: Annotated[int, Opt("--limit", "-n", help=LIMIT_HELP)] = DEFAULT_LIMIT,
    use_gpu: Annotated[int, Opt("--gpu-id", "-g", help="GPU ID or -1 for CPU")] = -1,
) -> None:
    """Write an HTML page about a trained pipeline: its scores, its training log, and
    texts with predictions beside the gold annotations, those with errors first.
    The page is one file and needs no network.

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
    msg.good(f"Saved the page of {report.count:,} texts, {len(report.texts)} of them shown")
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
    limit (int): Number of texts to show, those with errors first.
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
    for example in examples:
        # A reader of .spacy files sets only the text of the predicted document.
        copy_choices(example.predicted, example.reference)
        copy_questions(example.predicted, example.reference)
    scorer = _KeepingScorer(nlp)
    computed = nlp.evaluate(examples, scorer=scorer)
    texts = read_texts(nlp, scorer.examples)
    shown, wrong = choose_texts(texts, limit)
    report = Report(
        nlp=nlp,
        data=str(data),
        count=len(examples),
        wrong=wrong,
        texts=shown,
        parses=draw_parses(example.predicted for example in scorer.examples),
        labels=list_labels(scorer.examples),
        scores=sort_scores(computed if scores is None else scores),
        scores_source=source,
        log=training_log,
        has_plots=can_plot(),
    )
    write_html(render_report(report), Path(output))
    return report


class _KeepingScorer(Scorer):
    """A scorer that keeps the documents, which `nlp.evaluate` does not return."""

    examples: list[Example]

    def score(self, examples: Iterable[Example], *, per_component: bool = False) -> dict[str, Any]:
        self.examples = list(examples)
        return super().score(self.examples, per_component=per_component)


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

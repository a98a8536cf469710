"""Renders the report as a self-contained HTML page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup
from spacy.language import Language

from spacy_deberta.errors import Errors
from spacy_deberta.pages import choose_hues, render_template

from .curves import plot_bars, plot_losses, plot_scores
from .parses import Parse
from .scores import LabelScores, Scores, format_score
from .texts import ViewedText
from .training_log import TrainingLog
from .verdicts import VERDICT_NAMES

PRF_NAMES = {"p": "Precision", "r": "Recall", "f": "F-score", "score": "Score"}
# Kinds of texts that can be selected, besides all.
KINDS = {
    "wrong": "wrong",
    "missed": "missed",
    "extra": "extra",
    "label": "wrong label",
    "right": "right",
}


@dataclass(frozen=True)
class Report:
    """The contents of a report.

    nlp (Language): The pipeline.
    data (str): The source of the texts.
    count (int): Number of texts.
    wrong (int): Number of texts with errors.
    texts (Sequence[ViewedText]): The shown texts.
    parses (Sequence[Parse]): The shown parses.
    labels (Iterable[str]): The labels of entities and spans in these texts.
    scores (Scores): The scores.
    scores_source (str): The source of the scores.
    log (TrainingLog | None): The training log.
    has_plots (bool): Whether matplotlib is installed. If not, the page has a note.
    """

    nlp: Language
    data: str
    count: int
    wrong: int
    texts: Sequence[ViewedText]
    parses: Sequence[Parse]
    labels: Iterable[str]
    scores: Scores
    scores_source: str
    log: TrainingLog | None
    has_plots: bool = True


class Plot(NamedTuple):
    """A plot and its heading."""

    title: str
    svg: Markup
    note: str = ""


def render_report(report: Report) -> str:
    """Render a report.

    report (Report): The contents.
    RETURNS (str): The HTML page.
    """
    meta = report.nlp.meta
    return render_template(
        __package__,
        "report.html",
        report=report,
        name=f"{meta['lang']}_{meta['name']}",
        facts=_facts(report),
        note="" if report.has_plots else Errors.E511,
        prf_names=PRF_NAMES,
        format_score=format_score,
        single_scores={name: (value,) for name, value in report.scores.single.items()},
        bars=[
            _plot_labels(scores) if report.has_plots else None for scores in report.scores.by_label
        ],
        curves=_plot_log(report.log) if report.log and report.has_plots else [],
        kinds=_count_kinds(report.texts),
        kind_names=KINDS,
        verdict_names=VERDICT_NAMES,
        hues=choose_hues(report.labels),
    )


def _facts(report: Report) -> dict[str, str]:
    shown = len(report.texts)
    texts = f"{report.count:,}, {report.wrong:,} of them with errors"
    if shown < report.count:
        texts += f"; {shown:,} are shown, those with errors first"
    return {
        "Version": report.nlp.meta["version"],
        "Components": ", ".join(report.nlp.pipe_names) or "none",
        "Data": report.data,
        "Texts": texts,
    }


def _plot_labels(scores: LabelScores) -> Plot | None:
    known = {label: row[-1] for label, row in scores.rows.items() if row[-1] is not None}
    if not scores.has_f or not any(known.values()):
        return None
    return Plot(f"F-scores: {scores.title}", Markup(plot_bars(known)))


def _plot_log(log: TrainingLog) -> list[Plot]:
    plots = []
    for title, plot in (("Scores by step", plot_scores), ("Losses by step", plot_losses)):
        drawn = plot(log)
        if drawn is not None:
            svg, left_out = drawn
            zeros = f"Not drawn, as 0 or missing throughout: {', '.join(left_out)}."
            plots.append(Plot(title, Markup(svg), zeros if left_out else ""))
    return plots


def _count_kinds(texts: Sequence[ViewedText]) -> Counter[str]:
    return Counter(kind for text in texts for kind in text.kinds)

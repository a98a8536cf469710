"""Renders the report as a self-contained HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacy.language import Language
from spacy.training import Example

from spacy_deberta.errors import Errors

from .markup import escape_text, make_table
from .plots import plot_bars, plot_losses, plot_scores
from .scores import LabelScores, Scores, format_score
from .style import STYLE
from .texts import render_parses, render_texts
from .training_log import TrainingLog

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<dl>
{facts}
</dl>
{note}<nav>{contents}</nav>
</header>
<main>
{sections}
</main>
</body>
</html>
"""
PRF_NAMES = {"p": "Precision", "r": "Recall", "f": "F-score", "score": "Score"}


@dataclass(frozen=True)
class Report:
    """The contents of a report.

    nlp (Language): The pipeline.
    data (str): The source of the texts.
    count (int): Number of texts.
    examples (Sequence[Example]): The shown texts, with predictions and gold annotations.
    scores (Scores): The scores.
    scores_source (str): The source of the scores.
    log (TrainingLog | None): The training log.
    has_plots (bool): Whether matplotlib is installed. If not, the page has a note.
    """

    nlp: Language
    data: str
    count: int
    examples: Sequence[Example]
    scores: Scores
    scores_source: str
    log: TrainingLog | None
    has_plots: bool = True


def render_report(report: Report) -> str:
    """Render a report.

    report (Report): The contents.
    RETURNS (str): The HTML page.
    """
    meta = report.nlp.meta
    title = escape_text(f"{meta['lang']}_{meta['name']}")
    sections = {
        "Scores": _render_scores(report),
        "Training": _render_log(report),
        "Parses": render_parses(report.examples),
        "Texts": render_texts(report.nlp, report.examples),
    }
    sections = {name: html for name, html in sections.items() if html}
    return PAGE.format(
        title=title,
        style=STYLE,
        note="" if report.has_plots else f'<p class="note">{escape_text(Errors.E511)}</p>\n',
        facts="\n".join(
            f"<dt>{name}</dt><dd>{escape_text(value)}</dd>"
            for name, value in _facts(report).items()
        ),
        contents="".join(f'<a href="#{name.lower()}">{name}</a>' for name in sections),
        sections="\n".join(
            f'<section>\n<h2 id="{name.lower()}">{name}</h2>\n{html}\n</section>'
            for name, html in sections.items()
        ),
    )


def _facts(report: Report) -> dict[str, str]:
    shown = len(report.examples)
    count = f"{report.count:,}"
    return {
        "Version": report.nlp.meta["version"],
        "Components": ", ".join(report.nlp.pipe_names) or "none",
        "Data": report.data,
        "Texts": count if shown == report.count else f"{count}, of which {shown} are shown",
    }


def _render_scores(report: Report) -> str:
    scores = report.scores
    tables = []
    if scores.prf:
        header = ("", *(PRF_NAMES[part] for part in ("p", "r", "f")))
        tables.append(make_table(header, _rows(scores.prf)))
    if scores.single:
        single = ((escape_text(name), value) for name, value in scores.single.items())
        tables.append(make_table(("", "Score"), single))
    columns = "".join(f'<div class="scores">{table}</div>' for table in tables)
    note = f'<p class="note">Scores in percent, {escape_text(report.scores_source)}.</p>'
    whole = f'<div class="card"><div class="columns">{columns}</div>{note}</div>'
    by_label = [_render_labels(part, has_plots=report.has_plots) for part in scores.by_label]
    return "\n".join([whole, *by_label])


def _render_labels(scores: LabelScores, *, has_plots: bool) -> str:
    header = ("", *(PRF_NAMES[column] for column in scores.columns))
    table = f'<div class="scores">{make_table(header, _rows(scores.rows))}</div>'
    plot = ""
    if scores.has_f and has_plots:
        known = {label: row[-1] for label, row in scores.rows.items() if row[-1] is not None}
        plot = _figure(plot_bars(known), f"F-scores: {scores.title}") if known else ""
    title = escape_text(scores.title)
    return f'<div class="card"><h3>{title}</h3><div class="columns">{table}{plot}</div></div>'


def _rows(scores: dict[str, tuple[float | None, ...]]) -> list[tuple[str, ...]]:
    return [
        (escape_text(name), *(format_score(value) for value in row)) for name, row in scores.items()
    ]


def _render_log(report: Report) -> str:
    log = report.log
    if log is None or not report.has_plots:
        return ""
    plots = {"Scores by step": plot_scores(log)}
    if log.losses:
        plots["Losses by step"] = plot_losses(log)
    return "\n".join(
        f'<div class="card"><h3>{title}</h3>{_figure(svg, title)}</div>'
        for title, svg in plots.items()
    )


def _figure(svg: str, description: str) -> str:
    label = escape_text(description)
    return f'<figure class="plot" role="img" aria-label="{label}">{svg}</figure>'

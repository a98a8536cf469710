"""Plots of scores and training curves, as parts of the page."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spacy_deberta.pages import clean_text
from spacy_deberta.plots import ACCENT, COLORS, INK, count_steps, draw_svg

from .scores import name_logged_score
from .training_log import TrainingLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", "--", ":")
BARS_WIDTH, CURVES_WIDTH = 7.0, 10.0
LOSS_COLUMNS = 4


def plot_bars(values: Mapping[str, float]) -> str:
    """Draw a bar for each label.

    values (Mapping[str, float]): A score from 0 to 1 for each label, drawn from top to bottom.
    RETURNS (str): SVG.
    """

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        places = range(len(values))
        percent = [100 * value for value in values.values()]
        axes.barh(places, percent, height=0.7, color=ACCENT)
        axes.set_yticks(places, [clean_text(label) for label in values])
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_xlim(0, 108)
        axes.set_xlabel("F-score")
        axes.grid(visible=False, axis="y")
        for place, value in zip(places, percent, strict=True):
            axes.text(value + 1, place, f"{value:.0f}", va="center", fontsize=8)

    height = 0.75 + 0.24 * len(values)
    return draw_svg(draw, width=BARS_WIDTH, height=height, in_page=True)


def plot_losses(log: TrainingLog) -> tuple[str, list[str]] | None:
    """Draw the loss of each component in a separate plot, because their scales differ.

    log (TrainingLog): The training log.
    RETURNS (tuple[str, list[str]] | None): SVG, and the names of losses that are 0 throughout and
        not drawn; None if there are no others.
    """
    drawn, left_out = _leave_out_zeros(log.losses)
    rows = math.ceil(len(drawn) / LOSS_COLUMNS)

    def draw(figure: "Figure") -> None:
        columns = min(len(drawn), LOSS_COLUMNS)
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, (name, losses) in zip(grid, drawn.items(), strict=False):
            _curve(axes, log.steps, losses, color=ACCENT)
            axes.set_title(clean_text(name))
            axes.set_ylim(bottom=0)
            count_steps(axes)
        for axes in grid[len(drawn) :]:
            axes.set_axis_off()
        figure.supxlabel("Step", fontsize=9, color=INK)

    if not drawn:
        return None
    return draw_svg(draw, width=CURVES_WIDTH, height=0.5 + 1.9 * rows, in_page=True), left_out


def plot_scores(log: TrainingLog) -> tuple[str, list[str]] | None:
    """Draw all scores, with a thick line for the final score and a dotted one at its maximum.

    log (TrainingLog): The training log.
    RETURNS (tuple[str, list[str]] | None): SVG, and the names of scores that are 0 throughout and
        not drawn; None if there are no others.
    """
    named = {name_logged_score(key): scores for key, scores in log.scores.items()}
    drawn, left_out = _leave_out_zeros(named)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        lines, names = [], []
        for i, (name, scores) in enumerate(drawn.items()):
            style = DASHES[i // len(COLORS) % len(DASHES)]
            color = COLORS[i % len(COLORS)]
            lines.append(_curve(axes, log.steps, scores, color=color, linestyle=style))
            names.append(clean_text(name))
        lines.append(_curve(axes, log.steps, log.total, color=INK, linewidth=2))
        names.append("Final score")
        known = [i for i, total in enumerate(log.total) if not math.isnan(total)]
        if known:
            best = max(known, key=lambda i: log.total[i])
            axes.axvline(log.steps[best], color=INK, linewidth=0.8, linestyle=":")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Step")
        axes.set_ylabel("Percent")
        count_steps(axes)
        figure.legend(lines, names, loc="outside right upper")

    if not drawn and not _leave_out_zeros({"": log.total})[0]:
        return None
    height = max(3.2, 0.6 + 0.2 * (len(drawn) + 1))
    return draw_svg(draw, width=CURVES_WIDTH, height=height, in_page=True), left_out


def _leave_out_zeros(
    curves: Mapping[str, list[float]],
) -> tuple[dict[str, list[float]], list[str]]:
    """The curves with other values than 0, and the names of the rest. NaN is a missing value."""
    drawn = {
        name: values
        for name, values in curves.items()
        if any(value and not math.isnan(value) for value in values)
    }
    return drawn, [name for name in curves if name not in drawn]


def _curve(axes: "Axes", steps: list[int], values: list[float], **style: Any) -> Any:
    # Markers, because a single evaluation has no line.
    (line,) = axes.plot(steps, values, marker="o", markersize=2.5, **{"linewidth": 1.3, **style})
    return line

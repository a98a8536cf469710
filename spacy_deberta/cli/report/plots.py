"""Plots as inline SVG. matplotlib is imported when the first plot is drawn."""

import io
import math
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .markup import clean_text
from .training_log import TrainingLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID, ACCENT = "#3b4252", "#e3e6ec", "#4c78a8"
COLORS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#d4a72c")
DASHES = ("-", "--", ":")
WIDTH = 7.0
LOSS_COLUMNS = 3

_SETTINGS: dict[Any, Any] = {
    # Text stays text, in the fonts of the browser.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    # A label like "$x$" is not a formula.
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
# Ids without references, which would be duplicated across plots, and a global style.
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", flags=re.DOTALL)


def can_plot() -> bool:
    """Whether matplotlib can be imported."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


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

    return _draw(draw, height=0.75 + 0.24 * len(values))


def plot_losses(log: TrainingLog) -> str:
    """Draw the loss of each component in a separate plot, because their scales differ.

    log (TrainingLog): The training log.
    RETURNS (str): SVG.
    """
    rows = math.ceil(len(log.losses) / LOSS_COLUMNS)

    def draw(figure: "Figure") -> None:
        columns = min(len(log.losses), LOSS_COLUMNS)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True).flatten()
        for axes, (name, losses) in zip(grid, log.losses.items(), strict=False):
            _curve(axes, log.steps, losses, color=ACCENT)
            axes.set_title(clean_text(name), fontsize=9)
            axes.set_ylim(bottom=0)
        for axes in grid[len(log.losses) :]:
            axes.set_axis_off()
        figure.supxlabel("step", fontsize=9, color=INK)

    return _draw(draw, height=0.5 + 1.8 * rows)


def plot_scores(log: TrainingLog) -> str:
    """Draw all scores, with the final score in black and a line at its maximum.

    log (TrainingLog): The training log.
    RETURNS (str): SVG.
    """

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        lines, names = [], []
        for i, (name, scores) in enumerate(log.scores.items()):
            style = DASHES[i // len(COLORS) % len(DASHES)]
            color = COLORS[i % len(COLORS)]
            lines.append(_curve(axes, log.steps, scores, color=color, linestyle=style))
            names.append(clean_text(name))
        lines.append(_curve(axes, log.steps, log.total, color="black", linewidth=2))
        names.append("score")
        known = [i for i, total in enumerate(log.total) if not math.isnan(total)]
        if known:
            best = max(known, key=lambda i: log.total[i])
            axes.axvline(log.steps[best], color=INK, linewidth=0.8, linestyle=":")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("step")
        figure.legend(lines, names, loc="outside right upper", fontsize=8)

    return _draw(draw, height=max(2.8, 0.6 + 0.2 * (len(log.scores) + 1)))


def _curve(axes: "Axes", steps: list[int], values: list[float], **style: Any) -> Any:
    # Markers, because a single evaluation has no line.
    (line,) = axes.plot(steps, values, marker="o", markersize=2.5, **{"linewidth": 1.3, **style})
    return line


def _draw(draw: Any, *, height: float) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    stream = io.StringIO()
    with rc_context(_SETTINGS), warnings.catch_warnings():
        # matplotlib's font lacks glyphs of some scripts, but the browser renders them.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        figure.savefig(stream, format="svg", metadata=_NO_METADATA, transparent=True)
    svg = stream.getvalue()
    return _STYLE.sub("", _GROUP_ID.sub("<g", svg[svg.index("<svg") :]))

"""Plot the losses of a pretraining."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_deberta.files import write_atomically
from spacy_deberta.plots import COLORS, INK, can_plot, count_steps, draw_svg

from .log import LogRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLES = {
    "mlm": "Masked language modelling",
    "generator": "Generator",
    "discriminator": "Discriminator",
}


def plot_losses(rows: Sequence[LogRow], path: Path) -> bool:
    """Plot the losses of all phases, on training batches and on held-out text.

    Args:
        rows: The log; an empty one is not plotted.
        path: An SVG file, replaced atomically.

    Returns:
        Whether it was plotted: False without matplotlib, which is an extra of this package.
    """
    if not rows or not can_plot():
        return False
    svg = draw_svg(lambda figure: _draw(figure, rows), width=7.0, height=3.4)
    write_atomically(path, svg.encode("utf-8"))
    return True


def _draw(figure: "Figure", rows: Sequence[LogRow]) -> None:
    phases = list(rows[0].training)
    grid = figure.subplots(1, len(phases), squeeze=False).flatten()
    evaluated = [row for row in rows if row.held_out]
    for axes, color, name in zip(grid, COLORS, phases, strict=False):
        losses = [row.training[name].loss for row in rows]
        # A marker, because a single row has no line.
        marker = "o" if len(rows) == 1 else None
        (training,) = axes.plot(
            [row.step for row in rows], losses, color=color, linewidth=0.8, marker=marker
        )
        lines = {"training": training}
        held_out = [row.held_out[name].loss for row in evaluated if row.held_out]
        if held_out:
            steps = [row.step for row in evaluated]
            style = {"color": INK, "marker": "o", "markersize": 2.5, "linewidth": 1.2}
            (lines["held-out text"],) = axes.plot(steps, held_out, **style)
        axes.set_title(_TITLES.get(name, name))
        axes.set_xlabel("Step")
        count_steps(axes)
        # The losses of the first steps, of random weights, would compress the rest of the scale.
        later = losses[len(losses) // 20 :] + held_out
        axes.set_ylim(0.95 * min(later), 1.02 * max(later))
        axes.legend(lines.values(), lines.keys(), loc="upper right")
    grid[0].set_ylabel("Loss")

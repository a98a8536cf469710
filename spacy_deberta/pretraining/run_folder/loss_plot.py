"""Plot the losses of a pretraining."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from spacy_deberta.files import atomic_file

from .log import LogRow

_COLOURS = ("#4c78a8", "#f58518", "#54a24b")
_SIZE = (7.0, 3.2)


def plot_losses(rows: Sequence[LogRow], path: Path) -> bool:
    """Plot the losses of all phases, on training batches and on held-out text.

    Args:
        rows: The log; an empty one is not plotted.
        path: An SVG file, replaced atomically.

    Returns:
        Whether it was plotted: False without matplotlib, which is an extra of this package.
    """
    if not rows or find_spec("matplotlib") is None:
        return False
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots(1, len(rows[0].training), squeeze=False).flatten()
    evaluated = [row for row in rows if row.held_out]
    for place, colour, name in zip(axes, _COLOURS, rows[0].training, strict=False):
        losses = [row.training[name].loss for row in rows]
        place.plot([row.step for row in rows], losses, color=colour, linewidth=0.8)
        held_out = [row.held_out[name].loss for row in evaluated if row.held_out]
        steps = [row.step for row in evaluated]
        place.plot(steps, held_out, color="black", marker="o", markersize=2.5, linewidth=1.2)
        place.set_title(name, fontsize=9)
        place.set_xlabel("step", fontsize=9)
        # The losses of the first steps, of random weights, would compress the rest of the scale.
        later = losses[len(losses) // 20 :] + held_out
        place.set_ylim(0.95 * min(later), 1.02 * max(later))
        place.grid(color="#e3e6ec")
    axes[0].set_ylabel("loss; black: held out", fontsize=9)
    with atomic_file(path) as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
    return True

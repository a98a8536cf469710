"""Plots of the figures, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measures.results import Measurement, Results

from .tables import title

# By contender, so that it has the same color on the whole page.
COLORS = {
    "ours": "#0969da",
    "ours, reference": "#7fb2ee",
    "ours, auto": "#033d8b",
    "ours, bf16": "#033d8b",
    "huggingface": "#bf3989",
    "spacy-transformers": "#bf3989",
    "onnxruntime": "#bc4c00",
    "spacy-transformers, onnxruntime": "#bc4c00",
    "products": "#6e7781",
    "sdpa": "#6e7781",
    "flashdeberta": "#bc4c00",
    "disentangled-flash": "#1a7f37",
}
FLOORS = ("products", "sdpa")
SIZE = (6.4, 3.4)


def draw_all(found: Mapping[str, Results], folder: Path) -> dict[str, str]:
    """Plot the measurements.

    Args:
        found: Results by benchmark.
        folder: Where to write the files.

    Returns:
        File names of the plots with measurements, by name.
    """
    drawn = {}
    for name, (benchmark, key, quantity, axes, where) in PLOTS.items():
        results = found.get(benchmark)
        measured = [
            m
            for m in (results.select(quantity, **where) if results else [])
            if m.values and key in m.case
        ]
        if measured:
            drawn[name] = f"performance_{name}.svg"
            _draw(measured, key, axes, folder / drawn[name])
    return drawn


# Benchmark, key of the x axis, quantity, labels of both axes, and the cases.
PLOTS: dict[str, tuple[str, str, str, tuple[str, str], dict[str, Any]]] = {
    **{
        f"{direction.split()[-1]}_{dtype}": (
            "encoder",
            "length",
            "seconds",
            ("pieces in a sequence", f"seconds, {direction}, {dtype}"),
            {"pass": direction, "dtype": dtype},
        )
        for direction in ("forward", "forward and backward")
        for dtype in ("fp32", "bf16")
    },
    "document": (
        "growth",
        "words",
        "words/s",
        ("words in the document", "words/s"),
        {"grows": "document"},
    ),
    "batch": (
        "growth",
        "documents",
        "words/s",
        ("documents in a batch", "words/s"),
        {"grows": "batch"},
    ),
    "heads": (
        "growth",
        "heads",
        "words/s",
        ("components on one encoder", "words/s"),
        {"grows": "heads"},
    ),
    "kernels": (
        "kernels_gpu",
        "length",
        "seconds",
        ("pieces in a sequence", "seconds, forward and backward, bf16"),
        {"what": "attention", "dtype": "bf16"},
    ),
}


def describe(name: str) -> str:
    """The alternative text of a plot."""
    x_label, y_label = PLOTS[name][3]
    return f"{y_label}, by {x_label}"


def _draw(measured: Sequence[Measurement], key: str, axes: tuple[str, str], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # Deterministic files.
    settings: Any = {"svg.hashsalt": "spacy-deberta", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure, axis = pyplot.subplots(figsize=SIZE, layout="constrained")
        for who in dict.fromkeys(m.who for m in measured):
            points = sorted((m.case[key], m.value) for m in measured if m.who == who)
            axis.plot(
                *zip(*points, strict=True),
                label=title(who).replace("`", ""),
                color=COLORS.get(who),
                linestyle="--" if who in FLOORS else "-",
                marker="o",
                markersize=3,
            )
        ticks = sorted({m.case[key] for m in measured})
        axis.set_xscale("log")
        axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axis.minorticks_off()
        axis.set_ylim(bottom=0)
        axis.set(xlabel=axes[0], ylabel=axes[1])
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)

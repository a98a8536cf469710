"""The plot of the page: how fast the encoder is, by the length of its sequences."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measures.results import Results

# By contender and precision: a label, and a color that is visible on white and on dark pages.
CURVES = {
    ("ours", "int8"): ("spacy-deberta, int8", "#8250df"),
    ("ours", "bf16"): ("spacy-deberta, bf16", "#2f81f7"),
    ("ours", "fp32"): ("spacy-deberta, fp32", "#218bff"),
    ("onnxruntime", "int8"): ("ONNX Runtime, int8", "#b8771f"),
    ("onnxruntime", "fp32"): ("ONNX Runtime, fp32", "#b8771f"),
    ("huggingface", "bf16"): ("Hugging Face, bf16", "#cf5b9c"),
    ("huggingface", "fp32"): ("Hugging Face, fp32", "#cf5b9c"),
}
STYLES = {"fp32": "-", "bf16": "--", "int8": ":"}
# Text and axes, on both kinds of pages.
GRAY = "#7d8590"
BACKGROUNDS = ("#ffffff", "#0d1117")
SIZE = (7.2, 3.6)
FILE = "performance.svg"
DESCRIPTION = "Pieces per second of the encoder, by the length of sequences"


def points(found: Mapping[str, Results]) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """Length and pieces per second of each curve that was measured."""
    results = found.get("encoder")
    if results is None:
        return {}
    batch = int(results.header["settings"]["sizes"]["batch_pieces"])
    curves = {}
    for who, dtype in CURVES:
        measured = results.select("seconds", dtype=dtype, **{"pass": "forward"})
        curves[who, dtype] = sorted(
            (m.case["length"], max(batch, m.case["length"]) / m.value)
            for m in measured
            if m.who == who and m.values
        )
    return {curve: found for curve, found in curves.items() if found}


def draw(found: Mapping[str, Results], folder: Path) -> str | None:
    """Plot the encoder's speed.

    Args:
        found: Results by benchmark.
        folder: Where to write the file.

    Returns:
        Its name; None if nothing was measured.
    """
    curves = points(found)
    if not curves:
        return None
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    settings: Any = {
        # Deterministic files, with text as text.
        "svg.hashsalt": "spacy-deberta",
        "svg.fonttype": "none",
        "font.size": 9,
        **{f"{part}.color": GRAY for part in ("text", "xtick", "ytick")},
        **{f"axes.{part}color": GRAY for part in ("edge", "label")},
    }
    with matplotlib.rc_context(settings):
        figure, axis = pyplot.subplots(figsize=SIZE, layout="constrained")
        for (who, dtype), curve in curves.items():
            label, color = CURVES[who, dtype]
            x, y = zip(*curve, strict=True)
            axis.plot(x, y, STYLES[dtype], label=label, color=color, marker="o", markersize=3)
        ticks = sorted({length for curve in curves.values() for length, _ in curve})
        axis.set_xscale("log", base=2)
        axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axis.minorticks_off()
        axis.set_ylim(bottom=0)
        axis.set(xlabel="pieces in a sequence", ylabel="pieces per second")
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        folder.mkdir(parents=True, exist_ok=True)
        metadata = {"Date": None, "Creator": None}
        figure.savefig(folder / FILE, format="svg", metadata=metadata, transparent=True)
        pyplot.close(figure)
    return FILE

"""Write `docs/performance.md` and `benchmarks/results/README.md` from the results."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from benchmarks.measures.results import Results

from . import gains, plots, tables
from .tables import by_case, by_contender, case_name
from .targets import compare

__all__ = ["case_name", "render_figures", "render_page", "write"]

FOLDER = Path(__file__).parent

# Results by benchmark.
Found = Mapping[str, Results]


def write(found: Found, page: Path, folder: Path, others: Mapping[str, Found]) -> None:
    """Write the page for users, its plot beside it in `images/`, and the pages of all figures.

    Args:
        found: Results by benchmark.
        page: The Markdown file for users.
        folder: Of the results, and of the page of all figures.
        others: Results of other machines, by the name of their folder within it.
    """
    drawn = plots.draw(found, page.parent / "images")
    pages = {
        page: render_page(found, drawn, others),
        folder / "README.md": render_figures(found, others=others),
    }
    for name, results in others.items():
        pages[folder / name / "README.md"] = render_figures(results, root="../../..")
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def render_page(found: Found, drawn: str | None, others: Mapping[str, Found]) -> str:
    """The text of the page for users; `drawn` is the file name of its plot."""
    parts = {
        "machine": gains.describe_machine(found),
        "gains": gains.table(found),
        "gliner": gains.table(found, gains.GLINER_GAINS, gains.GLINER_COLUMNS),
        "others": "".join(gains.of_other_machine(*other) for other in others.items()),
        "where": gains.describe_gpu(found),
        "plot": f"![{plots.DESCRIPTION}](images/{drawn})" if drawn else "Not measured yet.",
        "batch": gains.describe_batch(found),
        "window": gains.describe_window(found),
    }
    return _fill("performance.md.in", parts)


def render_figures(found: Found, *, root: str = "../..", others: Iterable[str] = ()) -> str:
    """The text of the page of all figures.

    Args:
        found: Results by benchmark.
        root: The way from the page to the root of the repository.
        others: Folders of the results of other machines.
    """
    links = ", ".join(f"[{name}]({name}/README.md)" for name in others)
    parts = {
        "root": root,
        "others": f"Results of other machines: {links}.\n\n" if links else "",
        "setting": describe_setting(found),
        "targets": tables.of_targets(compare(found)),
        "problems": tables.of_problems(found.values()),
        **_encoder_parts(found.get("encoder")),
        **_pipeline_parts(found),
        **_growth_parts(found.get("growth")),
        **_annotation_parts(found.get("annotation")),
        **_kernel_parts(found.get("kernels_gpu")),
        "gliner": tables.of_all([found["gliner"]] if "gliner" in found else []),
        "gpu": tables.of_all(
            [results for name, results in found.items() if name.startswith("gpu_")]
        ),
    }
    return _fill("figures.md.in", parts)


def _fill(template: str, parts: Mapping[str, str]) -> str:
    return Template((FOLDER / template).read_text(encoding="utf-8")).substitute(parts)


def describe_setting(found: Mapping[str, Results]) -> str:
    """Machine, versions and command, once if they are the same for all benchmarks."""
    names: dict[str, list[str]] = {}
    for name, results in found.items():
        header = {key: results.header[key] for key in ("machine", "versions", "command")}
        header["load"] = results.load
        names.setdefault(json.dumps(header), []).append(name)
    if not names:
        return "Nothing has been measured yet."
    paragraphs = []
    for key, benchmarks in names.items():
        setting = json.loads(key)
        subject = "All figures" if len(names) == 1 else ", ".join(benchmarks).capitalize()
        machine = ", ".join(_fact(*item) for item in setting["machine"].items() if item[1])
        versions = ", ".join(f"{name} {value}" for name, value in setting["versions"].items())
        paragraphs.append(
            f"{subject}: {machine}. Versions: {versions}. Command: `{setting['command']}`."
            + _describe_load(setting["load"])
        )
    return "\n\n".join(paragraphs)


def _describe_load(load: Mapping[str, float]) -> str:
    if not load:
        return ""
    before, after = load["before"], load["after"]
    return f" Load of the machine, averaged over a minute: {before} before, {after} after."


def _fact(name: str, value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if name in ("processor", "GPU"):
        return str(value)
    what, _, unit = name.partition(", ")
    return f"{value} {unit} of {what}" if unit else f"{what}: {value}"


def _encoder_parts(results: Results | None) -> dict[str, str]:
    parts = {}
    for dtype in ("fp32", "bf16"):
        for name, direction in (("forward", "forward"), ("backward", "forward and backward")):
            where = {"pass": direction, "dtype": dtype}
            parts[f"{name}_{dtype}"] = by_case(results, "length", label="pieces", **where)
    where = {"pass": "forward"}
    parts["forward_int8"] = by_case(results, "length", label="pieces", dtype="int8", **where)
    errors = {
        dtype: by_case(results, "length", label="pieces", quantity="error", dtype=dtype, **where)
        for dtype in ("fp32", "bf16", "int8")
    }
    parts["errors"] = "\n\n".join(f"{dtype}:\n\n{table}" for dtype, table in errors.items())
    return parts


def _pipeline_parts(found: Mapping[str, Results]) -> dict[str, str]:
    speed = {"words/s": "words/s"}
    both = {"words/s": "words/s", "GiB": "peak memory, GiB"}
    training, costs = found.get("training"), found.get("costs")
    return {
        "pipe": by_contender(found.get("pipe"), speed, **_first_case(found.get("pipe"))),
        "pipe_documents": _case_value(found.get("pipe"), "documents"),
        "pipe_words": _case_value(found.get("pipe"), "words"),
        "host": by_contender(found.get("host"), speed),
        "training": by_contender(training, both, device="cpu"),
        "training_gpu": by_contender(training, both, device="cuda"),
        "training_words": _case_value(training, "words"),
        "costs": "\n\n".join(
            f"{quantity}:\n\n{by_case(costs, 'what', quantity=quantity, label='')}"
            for quantity in ("seconds", "GiB")
        ),
    }


def _first_case(results: Results | None) -> dict[str, Any]:
    """The case of the documents: those of short texts and small models follow."""
    return dict(results.measurements[0].case) if results and results.measurements else {}


def _growth_parts(results: Results | None) -> dict[str, str]:
    speed = {"quantity": "words/s"}
    layers = results.header["settings"]["sizes"]["growth_layers"] if results else "a few"
    return {
        "growth_layers": str(layers),
        "growth_document": by_case(results, "words", **speed, grows="document"),
        "growth_memory": by_case(results, "words", quantity="GiB", grows="document"),
        "growth_batch": by_case(results, "documents", **speed, grows="batch"),
        "growth_heads": by_case(results, "heads", **speed, grows="heads"),
    }


def _annotation_parts(results: Results | None) -> dict[str, str]:
    return {
        "annotation_speed": by_contender(results, {"words/s": "words/s"}, what="speed"),
        "annotation_memory": by_case(results, "texts", quantity="GiB", what="memory"),
    }


def _kernel_parts(results: Results | None) -> dict[str, str]:
    where = {"label": "pieces", "dtype": "bf16"}
    return {
        f"kernels_{what}": by_case(results, "length", **where, what=what)
        for what in ("attention", "encoder")
    }


def _case_value(results: Results | None, key: str) -> str:
    for found in results.measurements if results else []:
        if key in found.case:
            return f"{found.case[key]:,}"
    return "some"

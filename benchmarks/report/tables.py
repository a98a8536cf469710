"""Tables of figures, as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.measures.results import Case, Measurement, Results

from .targets import TargetOutcome, advantage

NOTHING = "–"
# Units of numbers in a case whose key is not the unit.
UNITS = {"length": "pieces"}
TITLES = {
    "ours": "spacy-deberta",
    "ours, reference": "kernel `reference`",
    "ours, strided": "kernel `strided`",
    "ours, triton": "kernel `triton`",
    "ours, auto": 'spacy-deberta, `precision = "auto"`',
    "ours, bf16": "spacy-deberta, bf16",
    "ours, int8": "spacy-deberta, int8",
    "ours, one thread": "spacy-deberta, one process with one thread",
    "ours, two processes": "spacy-deberta, two processes with one thread each",
    "nlp.pipe": "a loop over `nlp.pipe`",
    "huggingface": "Hugging Face",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "products": "products alone",
    "spacy-transformers, onnxruntime": "spacy-transformers with ONNX Runtime",
    "spacy-transformers, onnxruntime int8": "spacy-transformers with ONNX Runtime, int8",
    "sdpa": "SDPA without positions",
}


def title(who: str) -> str:
    """The name of a contender in the report."""
    return TITLES.get(who, who)


def by_case(
    results: Results | None,
    key: str,
    *,
    quantity: str = "seconds",
    label: str | None = None,
    **where: str | int,
) -> str:
    """A row for each case, and a column for each contender.

    Args:
        results: Of a benchmark.
        key: The key that differs between cases, for example `"length"`.
        quantity: Of the figures.
        label: Title of the first column; the key if None.
        where: Values that the cases have.

    Returns:
        The table: medians, and in parentheses the factor by which ours is better.
        `Not measured yet.` if there are no figures.
    """
    found = [m for m in results.select(quantity, **where) if key in m.case] if results else []
    names = [name for name in _names(found) if any(m.values for m in found if m.who == name)]
    if not names:
        return _nothing(found)
    rows = []
    for value in dict.fromkeys(m.case[key] for m in found):
        own = {m.who: m for m in found if m.case[key] == value}
        if any(m.values for m in own.values()):
            cells = [_cell(own.get(name), own.get("ours")) for name in names]
            rows.append([_number(value), *cells])
    return markdown([label or key, *map(title, names)], rows) + _spread(found)


def by_contender(results: Results | None, quantities: Mapping[str, str], **where: Any) -> str:
    """A row for each contender, and a column for each quantity; see `by_case`."""
    found = [m for m in results.select(**where) if m.quantity in quantities] if results else []
    if not any(m.values for m in found):
        return _nothing(found)
    rows = []
    for name in _names(found):
        own = {m.quantity: m for m in found if m.who == name}
        ours = {m.quantity: m for m in found if m.who == "ours"}
        if any(m.values for m in own.values()):
            cells = [_cell(own.get(quantity), ours.get(quantity)) for quantity in quantities]
            rows.append([title(name), *cells])
    return markdown(["", *quantities.values()], rows) + _spread(found)


def of_targets(outcomes: Iterable[TargetOutcome]) -> str:
    """The targets, and the measured ratios."""
    rows = [
        [str(o.target.number), o.target.what, o.target.bound, o.shown or NOTHING, o.status]
        for o in outcomes
    ]
    return markdown(["no.", "what", "target", "measured", ""], rows, words=(1, 4))


def of_problems(found: Iterable[Results]) -> str:
    """Contenders without figures, and the reasons; each reason once."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for results in found:
        for m in results.measurements:
            if m.problem:
                key = (results.name, title(m.who), f"{m.problem}: {m.why}")
                reasons.setdefault(key, []).append(case_name(m.case))
    rows = [
        [name, who, _some(dict.fromkeys(cases)), why] for (name, who, why), cases in reasons.items()
    ]
    if not rows:
        return "None."
    return markdown(["benchmark", "implementation", "case", "reason"], rows, words=(1, 2, 3))


def of_all(found: Iterable[Results]) -> str:
    """Every figure of some benchmarks in a row of its own."""
    rows = [
        [case_name(m.case), title(m.who), figure(m.value, m.quantity), m.quantity]
        for results in found
        for m in results.measurements
        if m.values
    ]
    return markdown(["case", "", "median", ""], rows, words=(1, 3)) if rows else "Nothing yet."


def case_name(case: Case) -> str:
    """A short description of a case."""
    return ", ".join(
        value if isinstance(value, str) else f"{value:,} {UNITS.get(key, key)}"
        for key, value in case.items()
    )


def markdown(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[int] = ()
) -> str:
    """A table with right-aligned columns, except the first and those of `words`."""
    aligned = ["---" if i == 0 or i in words else "---:" for i in range(len(header))]
    lines = [header, aligned, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figure(value: float, quantity: str) -> str:
    """A number with its significant digits, and its unit if that is short."""
    if quantity == "words/s":
        return f"{value:,.0f}"
    if quantity == "GiB":
        return f"{value:.2f}"
    if quantity == "error":
        return f"{value:.1e}"
    if quantity != "seconds":
        return f"{value:.3g}"
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.3g} s"


def _cell(found: Measurement | None, ours: Measurement | None) -> str:
    if found is None or not found.values:
        return NOTHING
    text = figure(found.value, found.quantity)
    if ours is None or ours is found or not ours.values or not found.value or not ours.value:
        return text
    return f"{text} ({advantage(ours, found):.2f})"


def _nothing(found: Sequence[Measurement]) -> str:
    for m in found:
        if m.problem:
            return f"{m.problem.capitalize()}: {m.why}."
    return "Not measured yet."


def _spread(found: Sequence[Measurement]) -> str:
    spreads = [m.spread for m in found if len(m.values) > 1]
    if not spreads:
        return ""
    repeats = sorted({len(m.values) for m in found if len(m.values) > 1})
    counts = " or ".join(map(str, repeats))
    return (
        f"\n\nMedians of {counts} repeats; the largest and the smallest are {median(spreads):.0%} "
        f"apart as a rule, {max(spreads):.0%} at most."
    )


def _names(found: Iterable[Measurement]) -> list[str]:
    return sorted(dict.fromkeys(m.who for m in found), key=lambda name: name != "ours")


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return "; ".join(names[:2]) + (f"; and {len(names) - 2} more" if len(names) > 2 else "")

"""What users gain: the table and the sentences of `docs/performance.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measures.machine import BF16_FLAGS
from benchmarks.measures.results import Measurement, Results

from .tables import NOTHING, figure, markdown
from .targets import advantage

STOCK = "spacy-transformers"
# Columns: a title, and a contender. The first is what is compared with.
COLUMNS = {
    "spacy-transformers": STOCK,
    "the same with ONNX Runtime": f"{STOCK}, onnxruntime",
    "spacy-deberta, fp32": "ours",
    "bf16": "ours, auto",
    "int8": "ours, int8",
}
GLINER_COLUMNS = {
    "gliner": "gliner",
    "gliner-spacy": "gliner-spacy",
    "spacy-deberta, fp32": "ours",
    "bf16": "ours, auto",
    "int8": "ours, int8",
}


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A row of the table.

    Attributes:
        what: What a user does.
        benchmark: The benchmark of its figures.
        quantity: Of the figures.
        case: Their case.
        names: Contenders that have another name in this benchmark.
    """

    what: str
    benchmark: str
    quantity: str
    case: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


_BF16 = {"ours, auto": "ours, bf16"}
GAINS = (
    Gain(what="`nlp.pipe`, words/s", benchmark="pipe", quantity="words/s"),
    Gain(
        what="`nlp.update` of encoder and entities, words/s",
        benchmark="training",
        quantity="words/s",
        case={"device": "cpu"},
        names=_BF16,
    ),
    Gain(
        what="the same, peak memory, GiB",
        benchmark="training",
        quantity="GiB",
        case={"device": "cpu"},
        names=_BF16,
    ),
    Gain(
        what="`spacy.load` after the imports",
        benchmark="costs",
        quantity="seconds",
        case={"what": "spacy.load"},
    ),
    Gain(
        what="`spacy.load`, memory, GiB",
        benchmark="costs",
        quantity="GiB",
        case={"what": "spacy.load"},
    ),
    Gain(what="`nlp.to_disk`", benchmark="costs", quantity="seconds", case={"what": "to_disk"}),
    Gain(
        what="`nlp.pipe` on a GPU, words/s",
        benchmark="gpu_pipelines",
        quantity="words/s",
        case={"what": "pipe"},
    ),
    Gain(
        what="`nlp.update` on a GPU, words/s",
        benchmark="gpu_pipelines",
        quantity="words/s",
        case={"what": "update"},
    ),
)


GLINER_GAINS = (
    *(
        Gain(
            what=f"{texts}, {labels} labels, words/s",
            benchmark="gliner",
            quantity="words/s",
            case={"texts": texts, "labels": labels},
        )
        for texts in ("sentences", "paragraphs")
        for labels in (8, 25)
    ),
    Gain(
        what="one sentence, 25 labels",
        benchmark="gliner",
        quantity="seconds",
        case={"texts": "one sentence"},
    ),
    Gain(
        what="a training step of 8 paragraphs",
        benchmark="gliner",
        quantity="seconds",
        case={"what": "training"},
    ),
    Gain(
        what="peak memory, 32 paragraphs at once, GiB",
        benchmark="gliner",
        quantity="GiB",
        case={"what": "memory"},
    ),
)


def table(
    found: Mapping[str, Results],
    gains: Sequence[Gain] = GAINS,
    columns: Mapping[str, str] = COLUMNS,
) -> str:
    """A row for each gain that was measured.

    Args:
        found: Results by benchmark.
        gains: The rows.
        columns: Titles and contenders; the first one is what the others are compared with.
    """
    peer = next(iter(columns.values()))
    rows = []
    for gain in gains:
        results = found.get(gain.benchmark)
        own = (
            {
                who: results.find(gain.names.get(who, who), gain.quantity, **gain.case)
                for who in columns.values()
            }
            if results
            else {}
        )
        if any(m is not None and m.values for m in own.values()):
            rows.append([gain.what, *(_cell(own[who], own[peer]) for who in columns.values())])
    return markdown(["", *columns], rows) if rows else "Nothing has been measured yet."


def of_other_machine(name: str, found: Mapping[str, Results]) -> str:
    """The table of another machine, below a sentence.

    Args:
        name: The folder of its results.
        found: Results by benchmark.
    """
    figures = f"[all figures](../benchmarks/results/{name}/README.md)"
    return f"The same on {describe_machine(found)} ({figures}):\n\n{table(found)}\n\n"


def _cell(found: Measurement | None, peer: Measurement | None) -> str:
    if found is None or not found.values:
        return NOTHING
    text = figure(found.value, found.quantity)
    if found is peer or peer is None or not peer.values:
        return text
    return f"{text} ({advantage(found, peer):.1f} ×)"


def describe_machine(found: Mapping[str, Results]) -> str:
    """The processor of the pipeline's figures, in words."""
    results = found.get("pipe")
    if results is None:
        return "no machine yet"
    machine = results.header["machine"]
    count = machine.get("threads", machine["cores"])
    instructions = machine.get("instructions", ())
    kinds = [name for flag, name in BF16_FLAGS.items() if flag in instructions]
    return f"{count} cores ({', '.join([machine['processor'], *kinds[:1]])})"


def describe_gpu(found: Mapping[str, Results]) -> str:
    """Whether there are figures of a GPU."""
    results = found.get("gpu_pipelines")
    if results is None or not any(m.values for m in results.measurements):
        return (
            "Not measured on a GPU yet: `make gpu` does it in eight minutes, see "
            "[Contributing](../CONTRIBUTING.md#on-a-gpu)."
        )
    return f"The GPU is {results.header['machine']['GPU']}."


def describe_batch(found: Mapping[str, Results]) -> str:
    """The gain of larger batches, as a sentence."""
    results = found.get("growth")
    points = {
        int(m.case["documents"]): m.value
        for m in (results.select("words/s", grows="batch") if results else [])
        if m.who == "ours" and m.values
    }
    if len(points) < 2:
        return "Give `nlp.pipe` many documents at once."
    low, high = min(points), max(points)
    best = next(n for n in sorted(points) if points[n] >= 0.97 * max(points.values()))
    return (
        f"In `nlp.pipe`, a batch of {best} documents is {points[best] / points[low]:.1f} times as "
        f"fast as batches of {low}, and {high} are no slower."
        if points[high] >= 0.97 * points[best]
        else f"In `nlp.pipe`, a batch of {best} documents is the fastest, "
        f"{points[best] / points[low]:.1f} times as fast as batches of {low}."
    )


def describe_window(found: Mapping[str, Results]) -> str:
    """The cost of long windows, as a sentence."""
    results = found.get("encoder")
    costs = []
    for dtype in ("fp32", "bf16"):
        times = (
            [
                results.find("ours", dtype=dtype, length=length, **{"pass": "forward"})
                for length in (128, 512)
            ]
            if results
            else []
        )
        if len(times) == 2 and all(m is not None and m.values for m in times):
            short, long = (m.value for m in times if m is not None)
            costs.append(f"{long / short - 1:.0%} in {dtype}")
    if not costs:
        return "Longer windows take more time for each piece."
    more = " and ".join(costs)
    return f"A piece takes more time in longer windows: at 512 pieces {more} more than at 128."

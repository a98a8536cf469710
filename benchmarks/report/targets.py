"""The performance targets of this package, and whether the results meet them.

A ratio is the factor by which ours is better: their seconds or memory divided by ours, our words
per second divided by theirs. For the lower bound, it is our seconds divided by its seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measures.results import ABSENT, NOT_HERE, Measurement, Results

# Quantities of which more is better.
RATES = ("words/s",)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A ratio of two figures, and its bound.

    Attributes:
        number: Its number in the issue.
        what: A description of both figures.
        benchmark: The benchmark of the figures.
        ours: Our contender.
        peers: The contenders to compare with: the best of those that were measured.
        case: The case of both figures.
        quantity: `"seconds"`, `"words/s"`, `"GiB"` or `"error"`.
        at_least: Minimum factor by which ours is better; or
        at_most: maximum of ours divided by theirs.
    """

    number: int
    what: str
    benchmark: str
    peers: tuple[str, ...]
    ours: str = "ours"
    case: Mapping[str, Any] = field(default_factory=dict)
    quantity: str = "seconds"
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> str:
        """The bound as text."""
        if self.at_least is not None:
            return f"at least {self.at_least:g} ×"
        return f"at most {self.at_most:g} ×"


@dataclass(frozen=True, kw_only=True)
class TargetOutcome:
    """The outcome of a target.

    Attributes:
        target: The target.
        status: `"met"`, `"missed"`, or why there is no ratio.
        ratio: The measured ratio.
    """

    target: Target
    status: str
    ratio: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it is missed; not if the hardware can't measure it."""
        return self.status != "met" and not self.status.startswith(NOT_HERE)

    @property
    def shown(self) -> str:
        """The ratio as text."""
        return "" if self.ratio is None else f"{self.ratio:.2f} ×"


def compare(found: Mapping[str, Results]) -> list[TargetOutcome]:
    """Compare all targets with the results, by the names of the benchmarks."""
    return [judge(target, found.get(target.benchmark)) for target in TARGETS]


def judge(target: Target, results: Results | None) -> TargetOutcome:
    """Compare one target with the results of its benchmark."""
    if results is None:
        return TargetOutcome(target=target, status=f"{ABSENT}: the benchmark has not run")
    ours = results.find(target.ours, target.quantity, **target.case)
    others = [results.find(peer, target.quantity, **target.case) for peer in target.peers]
    theirs = max((m for m in others if m is not None and m.values), key=_goodness, default=None)
    if theirs is None:
        theirs = next((m for m in others if m is not None), None)
    for who, found in ((target.ours, ours), (" or ".join(target.peers), theirs)):
        if found is None:
            return TargetOutcome(target=target, status=f"{ABSENT}: no figure of {who}")
        if found.problem:
            return TargetOutcome(target=target, status=f"{found.problem}: {found.why}")
    assert ours is not None
    assert theirs is not None
    return _bounded(target, ours, theirs)


def _bounded(target: Target, ours: Measurement, theirs: Measurement) -> TargetOutcome:
    if target.at_least is not None:
        ratio = advantage(ours, theirs)
        met = ratio >= target.at_least
    else:
        assert target.at_most is not None
        ratio = 1 / advantage(ours, theirs)
        met = ratio <= target.at_most
    return TargetOutcome(target=target, status="met" if met else "missed", ratio=ratio)


def _goodness(found: Measurement) -> float:
    return found.value if found.quantity in RATES else -found.value


def advantage(ours: Measurement, theirs: Measurement) -> float:
    """How many times better ours is."""
    if ours.quantity in RATES:
        return ours.value / theirs.value
    return theirs.value / ours.value


LENGTHS = (32, 64, 128, 256, 512)
LONG_LENGTHS = (1024, 2048, 4096)
ENGINES = ("onnxruntime", "openvino")
STOCK = "spacy-transformers"
# Contender, precision, and bound with 8 labels.
GLINER_SPEEDS = (("ours", "fp32", 2.3), ("ours, auto", "bf16", 3.8), ("ours, int8", "int8", 5.0))


def _floor_targets() -> list[Target]:
    """Nos. 1 and 5: the encoder against the products of its precision."""
    forward = {"fp32": 1.12, "bf16": 1.25, "int8": 1.35}
    both = {"fp32": 1.2, "bf16": 1.3}
    directions = ((1, "forward", forward), (5, "forward and backward", both))
    return [
        Target(
            number=number,
            what=f"encoder {direction}, {dtype}, {length} pieces, against the products alone",
            benchmark="encoder",
            case={"pass": direction, "dtype": dtype, "length": length},
            peers=("products",),
            at_most=bound,
        )
        for number, direction, bounds in directions
        for dtype, bound in bounds.items()
        for length in LENGTHS
    ]


def _engine_targets() -> list[Target]:
    """No. 2: the encoder against the fastest of the engines in the same precision."""
    bounds: dict[str, dict[int, float]] = {
        "fp32": dict.fromkeys(LENGTHS, 1.1) | dict.fromkeys(LONG_LENGTHS, 1.0),
        "bf16": dict.fromkeys(LENGTHS, 1.2) | dict.fromkeys(LONG_LENGTHS, 1.1),
        "int8": {32: 2.4, 128: 2.0, 512: 1.6} | dict.fromkeys(LONG_LENGTHS, 1.3),
    }
    return [
        Target(
            number=2,
            what=f"encoder forward, {dtype}, {length} pieces, against ONNX Runtime and OpenVINO",
            benchmark="encoder",
            case={"pass": "forward", "dtype": dtype, "length": length},
            peers=ENGINES,
            at_least=bound,
        )
        for dtype, by_length in bounds.items()
        for length, bound in by_length.items()
    ]


def _pipe_target(number: int, what: str, ours: str, peer: str, at_least: float) -> Target:
    return Target(
        number=number,
        what=f"`nlp.pipe`, {what}",
        benchmark="pipe",
        quantity="words/s",
        ours=ours,
        peers=(peer,),
        at_least=at_least,
    )


def _training_target(ours: str, precision: str, at_least: float) -> Target:
    return Target(
        number=6,
        what=f"training, {precision}, against spacy-transformers in fp32",
        benchmark="training",
        case={"device": "cpu"},
        quantity="words/s",
        ours=ours,
        peers=(STOCK,),
        at_least=at_least,
    )


def _annotation_target(number: int, what: str, ours: str, peer: str, at_least: float) -> Target:
    return Target(
        number=number,
        what=f"`spacy deberta annotate`, {what}",
        benchmark="annotation",
        case={"what": "speed"},
        quantity="words/s",
        ours=ours,
        peers=(peer,),
        at_least=at_least,
    )


def _latency_target(model: str, at_least: float) -> Target:
    return Target(
        number=8,
        what=f"one text of 20 words, {model}, against spacy-transformers",
        benchmark="pipe",
        case={"what": "one text", "model": model},
        peers=(STOCK,),
        at_least=at_least,
    )


def _gliner_targets() -> list[Target]:
    """No. 10: names of any kind against the package gliner, and its component for spaCy."""
    prediction: list[tuple[int, str, str, str, float]] = [
        *((8, who, dtype, "gliner", x) for who, dtype, x in GLINER_SPEEDS),
        (25, "ours", "fp32", "gliner", 2.5),
        (8, "ours", "fp32", "gliner-spacy", 4),
        (25, "ours", "fp32", "gliner-spacy", 4),
    ]
    found = [
        Target(
            number=10,
            what=f"GLiNER, {texts}, {labels} labels, {dtype}, against {peer} in fp32",
            benchmark="gliner",
            case={"texts": texts, "labels": labels},
            quantity="words/s",
            ours=ours,
            peers=(peer,),
            at_least=bound,
        )
        for labels, ours, dtype, peer, bound in prediction
        for texts in ("sentences", "paragraphs")
    ]
    others: list[tuple[str, dict[str, Any], str, float]] = [
        ("one sentence, 25 labels", {"texts": "one sentence"}, "seconds", 2),
        ("training step", {"what": "training"}, "seconds", 1.8),
        ("peak memory at batch 32", {"what": "memory"}, "GiB", 1 / 0.6),
    ]
    return found + [
        Target(
            number=10,
            what=f"GLiNER, {what}, fp32, against gliner",
            benchmark="gliner",
            case=case,
            quantity=quantity,
            peers=("gliner",),
            at_least=round(bound, 2),
        )
        for what, case, quantity, bound in others
    ]


TARGETS: tuple[Target, ...] = (
    *_floor_targets(),
    *_engine_targets(),
    _pipe_target(3, "int8 against bf16", "ours, int8", "ours, auto", 1.6),
    _pipe_target(3, "int8 against spacy-transformers", "ours, int8", STOCK, 5),
    _pipe_target(
        4,
        "bf16 against spacy-transformers with ONNX Runtime in int8",
        "ours, auto",
        f"{STOCK}, onnxruntime int8",
        1.5,
    ),
    _training_target("ours", "fp32", 3.5),
    _training_target("ours, bf16", "bf16", 8),
    Target(
        number=7,
        what="`nlp.pipe` with entities, `deberta-v3-mini-en`, against spaCy's CNN",
        benchmark="pipe",
        case={"what": "entities", "model": "mini"},
        quantity="words/s",
        peers=("spaCy's CNN",),
        at_least=0.35,
    ),
    _latency_target("base", 2.5),
    _latency_target("mini", 4),
    _annotation_target(9, "against a loop over `nlp.pipe`", "ours", "nlp.pipe", 0.95),
    _annotation_target(
        9, "two processes of one thread against one", "ours, two processes", "ours, one thread", 1.7
    ),
    *_gliner_targets(),
)

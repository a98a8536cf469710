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
        peer: The contender to compare with.
        case: The case of our figure.
        peer_case: The case of their figure, if it differs.
        quantity: `"seconds"`, `"words/s"`, `"GiB"` or `"error"`.
        at_least: Minimum factor by which ours is better; or
        at_most: maximum of ours divided by theirs.
    """

    number: int
    what: str
    benchmark: str
    peer: str
    ours: str = "ours"
    case: Mapping[str, Any] = field(default_factory=dict)
    peer_case: Mapping[str, Any] | None = None
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
    return [_compare(target, found.get(target.benchmark)) for target in TARGETS]


def _compare(target: Target, results: Results | None) -> TargetOutcome:
    if results is None:
        return TargetOutcome(target=target, status=f"{ABSENT}: the benchmark has not run")
    peer_case = target.case if target.peer_case is None else target.peer_case
    ours = results.find(target.ours, target.quantity, **target.case)
    theirs = results.find(target.peer, target.quantity, **peer_case)
    for who, found in ((target.ours, ours), (target.peer, theirs)):
        if found is None:
            return TargetOutcome(target=target, status=f"{ABSENT}: no figure of {who}")
        if found.problem:
            return TargetOutcome(target=target, status=f"{found.problem}: {found.why}")
    assert ours is not None
    assert theirs is not None
    return _judge(target, ours, theirs)


def _judge(target: Target, ours: Measurement, theirs: Measurement) -> TargetOutcome:
    if target.at_least is not None:
        ratio = advantage(ours, theirs)
        met = ratio >= target.at_least
    else:
        assert target.at_most is not None
        ratio = 1 / advantage(ours, theirs)
        met = ratio <= target.at_most
    return TargetOutcome(target=target, status="met" if met else "missed", ratio=ratio)


def advantage(ours: Measurement, theirs: Measurement) -> float:
    """How many times better ours is."""
    if ours.quantity in RATES:
        return ours.value / theirs.value
    return theirs.value / ours.value


def _encoder_targets() -> list[Target]:
    speedups = {
        "fp32": {32: 2.2, 64: 1.9, 128: 1.6, 256: 1.5, 512: 1.5},
        "bf16": {32: 3.0, 64: 2.8, 128: 2.5, 256: 2.5, 512: 2.5},
    }
    floors = {"fp32": 1.3, "bf16": 1.7}
    targets = []
    for dtype, by_length in speedups.items():
        for length, ratio in by_length.items():
            shared: dict[str, Any] = {
                "number": 1,
                "benchmark": "encoder",
                "case": {"pass": "forward", "dtype": dtype, "length": length},
            }
            what = f"encoder forward, {dtype}, {length} pieces"
            targets.append(
                Target(
                    what=f"{what}, against Hugging Face",
                    peer="huggingface",
                    at_least=ratio,
                    **shared,
                )
            )
            if length <= 256:
                targets.append(
                    Target(
                        what=f"{what}, against the products alone",
                        peer="products",
                        at_most=floors[dtype],
                        **shared,
                    )
                )
    return targets


def _gpu_targets() -> list[Target]:
    targets = []
    for length in (512, 2048):
        case = {"what": "attention", "dtype": "bf16", "length": length}
        shared: dict[str, Any] = {"number": 6, "benchmark": "kernels_gpu", "case": case}
        what = f"attention forward and backward on a GPU, bf16, {length} pieces"
        targets += [
            Target(
                what=f"{what}, against disentangled-flash",
                peer="disentangled-flash",
                at_least=1.5,
                **shared,
            ),
            Target(
                what=f"{what}, against SDPA without position terms",
                peer="sdpa",
                at_least=0.6,
                **shared,
            ),
        ]
    return [
        *targets,
        Target(
            number=6,
            what="encoder forward and backward on a GPU, bf16, 512 pieces, against Hugging Face",
            benchmark="kernels_gpu",
            case={"what": "encoder", "dtype": "bf16", "length": 512},
            peer="huggingface",
            at_least=2.5,
        ),
        Target(
            number=6,
            what="training on a GPU, words/s",
            benchmark="training",
            case={"device": "cuda"},
            quantity="words/s",
            ours="ours, bf16",
            peer="spacy-transformers",
            at_least=3,
        ),
    ]


TARGETS: tuple[Target, ...] = (
    *_encoder_targets(),
    Target(
        number=2,
        what="`nlp.pipe`, fp32, against spacy-transformers",
        benchmark="pipe",
        quantity="words/s",
        peer="spacy-transformers",
        at_least=4,
    ),
    Target(
        number=2,
        what='`nlp.pipe`, `precision = "auto"`, against spacy-transformers',
        benchmark="pipe",
        quantity="words/s",
        ours="ours, auto",
        peer="spacy-transformers",
        at_least=12,
    ),
    Target(
        number=2,
        what="`nlp.pipe`, fp32, against ONNX Runtime in spacy-transformers",
        benchmark="pipe",
        quantity="words/s",
        peer="spacy-transformers, onnxruntime",
        at_least=1.5,
    ),
    Target(
        number=3,
        what="preprocessing and alignment, against spacy-transformers",
        benchmark="host",
        quantity="words/s",
        peer="spacy-transformers",
        at_least=5,
    ),
    Target(
        number=4,
        what="training, fp32, against spacy-transformers",
        benchmark="training",
        case={"device": "cpu"},
        quantity="words/s",
        peer="spacy-transformers",
        at_least=6,
    ),
    Target(
        number=4,
        what="training, bf16, against spacy-transformers in fp32",
        benchmark="training",
        case={"device": "cpu"},
        quantity="words/s",
        ours="ours, bf16",
        peer="spacy-transformers",
        at_least=10,
    ),
    Target(
        number=4,
        what="peak memory of training, fp32, by that of spacy-transformers",
        benchmark="training",
        case={"device": "cpu"},
        quantity="GiB",
        peer="spacy-transformers",
        at_most=0.6,
    ),
    Target(
        number=5,
        what="seconds per word of a document of 100,000 words, by those of 1,000",
        benchmark="growth",
        case={"grows": "document", "words": 100_000},
        peer_case={"grows": "document", "words": 1_000},
        quantity="words/s",
        peer="ours",
        at_most=1.25,
    ),
    Target(
        number=5,
        what="memory beyond the rows for 100,000 words, by that for 10,000",
        benchmark="growth",
        case={"grows": "document", "words": 100_000},
        peer_case={"grows": "document", "words": 10_000},
        quantity="GiB",
        peer="ours",
        at_most=1.25,
    ),
    *_gpu_targets(),
    Target(
        number=7,
        what="relative error of bf16, by that of Hugging Face under autocast",
        benchmark="encoder",
        case={"pass": "forward", "dtype": "bf16"},
        quantity="error",
        peer="huggingface",
        at_most=1.25,
    ),
)

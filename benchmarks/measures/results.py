"""Measurements, saved in one file for each benchmark after every case."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

Case = Mapping[str, Any]

# Why a measurement has no values.
NOT_HERE = "not measurable here"  # because of the hardware, not of the contender
ABSENT = "not measured"
WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Figures of one contender in one case.

    Attributes:
        case: What was measured, for example `{"pass": "forward", "dtype": "fp32", "length": 64}`.
        who: The contender, for example `"ours"`.
        quantity: `"seconds"`, `"words/s"`, `"GiB"` or `"error"`.
        values: One for each repeat.
        problem: `NOT_HERE`, `ABSENT` or `WRONG` if there are no values.
        why: The reason.
    """

    case: Case
    who: str
    quantity: str = "seconds"
    values: tuple[float, ...] = ()
    problem: str = ""
    why: str = ""

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def spread(self) -> float:
        """The range of the repeats, divided by the median."""
        return (max(self.values) - min(self.values)) / self.value if self.value else 0.0


@dataclass(kw_only=True)
class Results:
    """The measurements of one benchmark.

    Attributes:
        name: The benchmark.
        header: Machine, versions, command and sizes.
        measurements: In order of measurement.
        path: The file; None to not save them.
        load: The machine's load, averaged over a minute, `"before"` the benchmark and `"after"`.
            The benchmark itself is a load of its number of threads.
    """

    name: str
    header: Mapping[str, Any]
    measurements: list[Measurement] = field(default_factory=list)
    path: Path | None = None
    load: Mapping[str, float] = field(default_factory=dict, compare=False)

    def has(self, case: Case) -> bool:
        """Whether this case was measured."""
        return any(dict(found.case) == dict(case) for found in self.measurements)

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Add and save the measurements of a case."""
        self.measurements.extend(measurements)
        self.save()

    def find(self, who: str, quantity: str = "seconds", **case: Any) -> Measurement | None:
        """The first measurement of a contender whose case has these values."""
        for found in self.measurements:
            if found.who == who and found.quantity == quantity and _matches(found.case, case):
                return found
        return None

    def select(self, quantity: str | None = None, **case: Any) -> list[Measurement]:
        """All measurements of a quantity whose case has these values."""
        return [
            found
            for found in self.measurements
            if quantity in (None, found.quantity) and _matches(found.case, case)
        ]

    def save(self) -> None:
        """Write the file atomically."""
        if self.path is None:
            return
        content = {
            "benchmark": self.name,
            **self.header,
            "load": {**self.load, "after": round(os.getloadavg()[0], 2)},
            "measurements": [asdict(found) for found in self.measurements],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.path)


def start_results(
    folder: Path, name: str, header: Mapping[str, Any], *, resume: bool = False
) -> Results:
    """Start a benchmark, or resume an interrupted one.

    Args:
        folder: Of the files.
        name: The benchmark.
        header: Machine, versions, command and sizes.
        resume: Keep the measurements in the file, if its header is the same.
    """
    load = {"before": round(os.getloadavg()[0], 2)}
    results = Results(name=name, header=header, path=folder / f"{name}.json", load=load)
    if resume and results.path is not None and results.path.exists():
        found = read_results(results.path)
        if found.header == json.loads(json.dumps(header)):
            results.measurements = found.measurements
    return results


def read_results(path: Path) -> Results:
    """Read the file of a benchmark."""
    content = json.loads(path.read_text(encoding="utf-8"))
    measurements = [
        Measurement(**{**values, "values": tuple(values["values"])})
        for values in content.pop("measurements")
    ]
    return Results(
        name=content.pop("benchmark"),
        load=content.pop("load", {}),
        header=content,
        measurements=measurements,
        path=path,
    )


def read_all(folder: Path) -> dict[str, Results]:
    """The results of all benchmarks in a folder, by name.

    Those of the encoder have the figures of longer sequences too, which are measured separately.
    """
    read = [read_results(path) for path in sorted(folder.glob("*.json"))]
    found = {results.name: results for results in read}
    if {"encoder", "long_encoder"} <= set(found):
        encoder, longer = found["encoder"], found["long_encoder"].measurements
        cases = [m.case for m in longer]
        encoder.measurements = [m for m in encoder.measurements if m.case not in cases] + longer
    return found


def read_other_machines(folder: Path) -> dict[str, dict[str, Results]]:
    """The results of other machines, by the name of their folder within the one of the results."""
    read = {path.name: read_all(path) for path in sorted(folder.glob("*")) if path.is_dir()}
    return {name: found for name, found in read.items() if found}


def _matches(case: Case, wanted: Case) -> bool:
    return all(key in case and case[key] == value for key, value in wanted.items())

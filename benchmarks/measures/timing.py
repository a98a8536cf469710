"""Measure contenders interleaved, so that other load on the machine affects all of them alike."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .results import ABSENT, NOT_HERE, WRONG, Case, Measurement

Workload = Callable[[], Any]

# Seconds between two runs: threads of the previous one may busy-wait for work for a while, and slow
# down the next one.
PAUSE = 0.1


class CannotMeasureError(Exception):
    """Why a contender has no figures.

    Args:
        why: The reason.
        problem: `ABSENT` if something is not installed, `NOT_HERE` because of the hardware,
            `WRONG` if its results are incorrect.
    """

    def __init__(self, why: str, problem: str = ABSENT) -> None:
        super().__init__(why, problem)
        self.why = why
        self.problem = problem

    def as_measurement(self, case: Case, who: str, quantity: str = "seconds") -> Measurement:
        """The measurement without values to save."""
        return Measurement(
            case=case, who=who, quantity=quantity, problem=self.problem, why=self.why
        )


@dataclass(frozen=True)
class Contenders:
    """Contenders that run, and the reasons why others do not.

    Attributes:
        runs: The workload of each contender.
        absent: Why the others have no figures.
    """

    runs: Mapping[str, Workload]
    absent: Mapping[str, CannotMeasureError]


def gather(builders: Mapping[str, Callable[[], Workload]]) -> Contenders:
    """Build every contender that can be built."""
    built = {name: _build(build) for name, build in builders.items()}
    return Contenders(
        {name: run for name, run in built.items() if not isinstance(run, CannotMeasureError)},
        {name: error for name, error in built.items() if isinstance(error, CannotMeasureError)},
    )


def _build(build: Callable[[], Workload]) -> Workload | CannotMeasureError:
    try:
        return build()
    except CannotMeasureError as error:
        return error


def exclude_wrong(contenders: Contenders, check: Callable[[str, Workload], str]) -> Contenders:
    """Run each contender once, and exclude incorrect results.

    Args:
        contenders: All contenders.
        check: From a contender's name and workload to the problem; empty if it is correct.
    """
    runs: dict[str, Workload] = {}
    absent = dict(contenders.absent)
    for name, run in contenders.runs.items():
        if wrong := check(name, run):
            absent[name] = CannotMeasureError(wrong, WRONG)
        else:
            runs[name] = run
    return Contenders(runs, absent)


def interleave(
    runs: Mapping[str, Workload], *, repeats: int, synchronize: Callable[[], None] = lambda: None
) -> dict[str, tuple[float, ...]]:
    """Seconds of every workload, interleaved; the order rotates.

    Args:
        runs: The workloads, by name.
        repeats: Number of repeats.
        synchronize: Synchronizes with the device.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(repeats):
        first = turn % len(names) if names else 0
        for name in [*names[first:], *names[:first]]:
            synchronize()
            time.sleep(PAUSE)
            start = time.perf_counter()
            runs[name]()
            synchronize()
            seconds[name].append(time.perf_counter() - start)
    return {name: tuple(values) for name, values in seconds.items()}


def measure(
    contenders: Contenders,
    case: Case,
    *,
    repeats: int,
    words: int | None = None,
    synchronize: Callable[[], None] = lambda: None,
) -> list[Measurement]:
    """Time the contenders, interleaved.

    Args:
        contenders: The contenders.
        case: The case.
        repeats: Number of repeats of each.
        words: Number of words of one run, for words per second instead of seconds.
        synchronize: Synchronizes with the device.
    """
    quantity = "seconds" if words is None else "words/s"
    seconds = interleave(contenders.runs, repeats=repeats, synchronize=synchronize)
    measured = [
        Measurement(
            case=case,
            who=name,
            quantity=quantity,
            values=values if words is None else tuple(words / value for value in values),
        )
        for name, values in seconds.items()
    ]
    return measured + [
        error.as_measurement(case, name, quantity) for name, error in contenders.absent.items()
    ]


def pooled(measurements: Iterable[Measurement]) -> list[Measurement]:
    """One measurement of each contender and quantity in a case, with the values of all."""
    found: dict[tuple[str, str], Measurement] = {}
    for measurement in measurements:
        key = (measurement.who, measurement.quantity)
        before = found[key].values if key in found else ()
        found[key] = replace(measurement, values=before + measurement.values)
    return list(found.values())


def not_here(why: str) -> CannotMeasureError:
    """An error because of the hardware."""
    return CannotMeasureError(why, NOT_HERE)

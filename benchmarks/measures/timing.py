"""Measuring contenders in turns, so that whatever else the machine does hits all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .results import ABSENT, NOT_HERE, WRONG, Case, Measurement

Workload = Callable[[], Any]

# Seconds between two runs: threads of the one before may go on waiting for work for a while, and
# take the processor from the next one.
PAUSE = 0.1


class CannotMeasureError(Exception):
    """Why a contender has no figures.

    Args:
        why: The reason, for people.
        problem: `ABSENT` if something is missing that could be had, `NOT_HERE` if it is the
            hardware, `WRONG` if its values are not those it should have.
    """

    def __init__(self, why: str, problem: str = ABSENT) -> None:
        super().__init__(why, problem)
        self.why = why
        self.problem = problem

    def as_measurement(self, case: Case, who: str, quantity: str = "seconds") -> Measurement:
        """What is kept of it."""
        return Measurement(
            case=case, who=who, quantity=quantity, problem=self.problem, why=self.why
        )


@dataclass(frozen=True)
class Contenders:
    """Those who run, and why others do not.

    Attributes:
        runs: What each of them runs.
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
    """Run each contender once, and leave out those whose values are wrong.

    Args:
        contenders: All.
        check: From a contender's name and what it runs to what is wrong; empty if nothing is.
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
    """Seconds of every run, in turns; each turn begins with another one.

    Args:
        runs: What to run, by name.
        repeats: How often.
        synchronize: Waits for the device.
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
    """Time the contenders in turns.

    Args:
        contenders: Who runs.
        case: What it is.
        repeats: How often each of them runs.
        words: How many words one run works on, to get words per second instead of seconds.
        synchronize: Waits for the device.
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


def not_here(why: str) -> CannotMeasureError:
    """The hardware cannot show it."""
    return CannotMeasureError(why, NOT_HERE)

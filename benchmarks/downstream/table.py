"""The table of the comparison: medians over the seeds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.report.tables import NOTHING, markdown

from .contenders import CONTENDERS
from .runs import RATE_SEED, best_rate
from .tasks import TASKS

Row = dict[str, Any]


def summarize(results: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Medians of every score of all contenders, in the order of the tasks and contenders.

    Args:
        results: Of runs; those with other than the chosen learning rates are ignored.

    Returns:
        Rows with `task`, `score`, `contender`, `rate`, `steps`, `median`, `values` by seed, and
        `seconds`, the median of the training.
    """
    groups: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["run"]["task"], result["run"]["contender"]].append(result)
    rows = []
    for task in TASKS.values():
        for contender in CONTENDERS:
            chosen = _with_best_rate(groups[task.name, contender])
            for key, title in task.scores.items() if chosen else ():
                values = {str(found["run"]["seed"]): found["test"][key] for found in chosen}
                rows.append(
                    {
                        "task": task.name,
                        "score": title,
                        "contender": contender,
                        "rate": chosen[0]["run"]["rate"],
                        "steps": chosen[0]["steps"],
                        "median": median(values.values()),
                        "values": values,
                        "seconds": median(found["seconds"] for found in chosen),
                    }
                )
    return rows


def to_markdown(rows: Sequence[Row]) -> str:
    """A row for each contender, a column for each score, in percent: the median and all seeds."""
    columns = list(dict.fromkeys((row["task"], row["score"]) for row in rows))
    by_place = {(row["contender"], row["task"], row["score"]): row for row in rows}
    lines = []
    for name, contender in CONTENDERS.items():
        cells = [by_place.get((name, *column)) for column in columns]
        if any(cells):
            lines.append([contender.title, *map(_cell, cells)])
    header = ["", *(f"{TASKS[task].title}: {score}" for task, score in columns)]
    return markdown(header, lines) if rows else "Nothing was measured yet."


def _cell(row: Row | None) -> str:
    if row is None:
        return NOTHING
    values = ", ".join(f"{100 * value:.1f}" for value in sorted(row["values"].values()))
    return f"{100 * row['median']:.1f} ({values})"


def _with_best_rate(results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The runs with the chosen learning rate: best on the development data with the first seed."""
    tried = [found for found in results if found["run"]["seed"] == RATE_SEED]
    if not tried:
        return list(results)
    rate = best_rate(tried)
    return [found for found in results if found["run"]["rate"] == rate]

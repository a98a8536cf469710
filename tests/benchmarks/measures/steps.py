"""Functions for subprocesses. Few imports, because each subprocess imports this module."""

from benchmarks.measures.timing import CannotMeasureError


def counting(start):
    count = [start]

    def step():
        count[0] += 1
        return count[0]

    return step


def cannot_build():
    raise CannotMeasureError("no AMX")


def dies():
    raise SystemExit(3)


def fails():
    raise KeyError("x")

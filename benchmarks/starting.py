"""A fresh process that imports one side and loads a pipeline.

    python -m benchmarks.starting ours my_pipeline

spaCy imports every installed package that has entry points for it. Our side runs without those of
spacy-transformers, as where it is not installed.
"""

import subprocess
import sys
import time
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

PEER = "spacy_transformers"
IMPORTS = {"ours": "spacy_deberta.pipeline.transformer", "stock": PEER}


def measure_start(side: str, folder: Path) -> float:
    """Seconds of the whole process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.starting", side, str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


class _WithoutPeer:
    """The entry points of all packages but the peer's, as `catalogue` selects them."""

    def select(self, **wanted: Any) -> Iterable[EntryPoint]:
        # Annotated, as what it returns differs between releases of Python.
        points: Any = entry_points().select(**wanted)
        return [point for point in points if not point.value.startswith(PEER)]


def leave_out_peer() -> None:
    """Ignore the peer's entry points from now on, as where it is not installed."""
    import catalogue

    catalogue.AVAILABLE_ENTRY_POINTS = _WithoutPeer()


def main(side: str, folder: str) -> None:
    """Import and load, and check that no peer was imported on our side."""
    if side == "ours":
        leave_out_peer()
    import_module(IMPORTS[side])
    import spacy

    spacy.load(folder)
    assert (PEER in sys.modules) == (side == "stock")


if __name__ == "__main__":
    main(*sys.argv[1:])

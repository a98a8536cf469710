"""Time and memory of `import`, `spacy.load` and `to_disk`."""

import shutil
import subprocess
import sys

from benchmarks import saving, starting
from benchmarks.measures.results import Measurement, Results
from benchmarks.measures.settings import Settings

IMPORTS = {
    "ours": "import spacy_deberta.pipeline.transformer, spacy_deberta.architectures",
    "spacy-transformers": "import spacy_transformers",
}
TIMED_IMPORT = (
    "import time, spacy; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
)
SIDES = {"ours": "ours", "spacy-transformers": "stock"}
# By their names in `benchmarks.saving`.
FIGURES = {
    "save_s": ("to_disk", "seconds"),
    "load_s": ("spacy.load", "seconds"),
    "start_s": ("import and spacy.load", "seconds"),
    "load_peak_gib": ("spacy.load", "GiB"),
    "used_peak_gib": ("spacy.load and one text", "GiB"),
}


def run(settings: Settings, results: Results) -> None:
    """Measure each in fresh processes, interleaved."""
    repeats = settings.sizes.few_repeats
    case = {"what": "import"}
    if not results.has(case):
        seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
        for _ in range(repeats):
            for name, statement in IMPORTS.items():
                seconds[name].append(time_import(statement))
        results.add(
            Measurement(case=case, who=name, values=tuple(values))
            for name, values in seconds.items()
        )
    if not results.has({"what": "to_disk"}):
        results.add(measure_saving(settings, repeats))


def time_import(statement: str) -> float:
    """Seconds of an import in a fresh interpreter that has already imported spaCy."""
    command = [sys.executable, "-c", TIMED_IMPORT.format(statement)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure_saving(settings: Settings, repeats: int) -> list[Measurement]:
    """Save and load a pipeline of each side: seconds, and peak memory of the process."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    for _ in range(repeats):
        for name, side in SIDES.items():
            shutil.rmtree(settings.work / side, ignore_errors=True)
            saved = saving.run_step(f"save:{side}", settings.work, settings.vocabulary)
            loaded = saving.run_step(f"load:{side}", settings.work, settings.vocabulary)
            started = starting.measure_start(side, settings.work / side)
            runs[name].append({**saved, **loaded, "start_s": started})
    for side in SIDES.values():
        shutil.rmtree(settings.work / side)
    return [
        Measurement(
            case={"what": what},
            who=name,
            quantity=quantity,
            values=tuple(figures[key] for figures in runs[name]),
        )
        for key, (what, quantity) in FIGURES.items()
        for name in SIDES
    ]

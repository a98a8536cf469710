"""Resident memory of a pipeline of base size, by how it is loaded.

    python -m benchmarks.int8_memory --vocabulary spm.model

Random weights in the shape of DeBERTa-v3-base. Each row is a process of its own, which imports no
other packages for transformers. Figures are MB of resident memory, as Linux counts them.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from benchmarks import saving, starting

# Precision, and the precisions in which weights are loaded and stored.
CASES = (
    ("fp32", "fp32", "fp32"),
    ("int8", "fp32", "fp32"),
    ("int8", "int8", "fp32"),
    ("int8", "int8", "int8"),
)
TEXT = "The first text reads the weights that it needs."
FIGURES = {"VmRSS": "resident", "VmHWM": "peak"}


def status(moment: str) -> dict[str, float]:
    """The memory of this process, now and at most until now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return {f"{moment}, {FIGURES[key]}": int(found[key].split()[0]) / 1000 for key in FIGURES}


def measure(folder: Path, precision: str, load_precision: str) -> dict[str, float]:
    """Load a pipeline, then use it once."""
    starting.leave_out_peer()
    import spacy

    import spacy_deberta.architectures
    import spacy_deberta.pipeline.transformer  # noqa: F401

    imported = status("imports")
    model = {"precision": precision, "load_precision": load_precision}
    overrides = {f"components.transformer.model.{key}": value for key, value in model.items()}
    nlp = spacy.load(folder, config=overrides)
    loaded = status("loaded")
    nlp(TEXT)
    return {**imported, **loaded, **status("first text")}


def save_pipelines(folder: Path, vocabulary: Path) -> None:
    """Save a pipeline with its weights in float32, and the same in int8."""
    import spacy

    saving.make_checkpoint(folder / "checkpoint", vocabulary)
    saving.measure_save(saving.OURS, folder / "checkpoint", folder / "fp32")
    precisions = {"load_precision": "int8", "storage_precision": "int8"}
    overrides = {f"components.transformer.model.{key}": value for key, value in precisions.items()}
    spacy.load(folder / "fp32", config=overrides).to_disk(folder / "int8")


def main(
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
) -> None:
    """Measure the memory of each way to load a pipeline."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        save_pipelines(Path(temporary), vocabulary)
        for precision, load_precision, stored in CASES:
            command = [sys.executable, "-m", "benchmarks.int8_memory", "--child"]
            arguments = [f"{temporary}/{stored}", precision, load_precision]
            done = subprocess.run([*command, *arguments], check=True, stdout=subprocess.PIPE)
            found = json.loads(done.stdout.splitlines()[-1])
            rows.append((precision, load_precision, stored, *map(round, found.values())))
    msg.table(
        [tuple(map(str, row)) for row in rows],
        header=("precision", "load_precision", "stored in", *found),
        divider=True,
    )


if __name__ == "__main__":
    if "--child" in sys.argv:
        path, *precisions = sys.argv[sys.argv.index("--child") + 1 :]
        print(json.dumps(measure(Path(path), *precisions)))
    else:
        typer.run(main)

"""Time and memory to load and save a base-size pipeline.

Ours against the stock one:

    python -m benchmarks.saving --vocabulary spm.model

Random weights in the shape of DeBERTa-v3-base (184 million parameters). Each figure is measured in
its own process, after the imports, and is the median of the repeats.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from benchmarks.measures.machine import peak_memory

BASE: dict[str, Any] = {
    "model_type": "deberta-v2",
    "vocab_size": 128100,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "relative_attention": True,
    "position_buckets": 256,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "layer_norm_eps": 1e-7,
    "position_biased_input": False,
    "type_vocab_size": 0,
    "pad_token_id": 0,
}
OURS: dict[str, Any] = {
    "factory": "deberta",
    "model": {
        "@architectures": "spacy-deberta.DebertaV2Model.v1",
        "get_spans": {"@span_getters": "spacy-deberta.piece_windows.v1"},
    },
}
STOCK: dict[str, Any] = {
    "factory": "transformer",
    "model": {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "tokenizer_config": {"use_fast": True},
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": 128,
            "stride": 96,
        },
    },
}
PIPELINES = {"ours": OURS, "stock": STOCK}
IMPORTS = {"ours": "spacy_deberta.pipeline.transformer", "stock": "spacy_transformers"}


def make_checkpoint(folder: Path, vocabulary: Path, **changes: Any) -> None:
    """Write a checkpoint of base size, except for `changes`, with random weights."""
    from spacy_deberta.checkpoints import save_checkpoint
    from spacy_deberta.models import DebertaV2Model
    from spacy_deberta.nn import DebertaV2Config
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    config = {**BASE, **changes}
    save_checkpoint(
        folder,
        config=config,
        weights=DebertaV2Model(DebertaV2Config.from_dict(config)).state_dict(),
        tokenizer=DebertaV2Tokenizer(vocab_file=vocabulary),
    )


def measure_save(pipeline: dict[str, Any], checkpoint: Path, output: Path) -> dict[str, float]:
    """Build a pipeline from the checkpoint and save it."""
    import spacy

    nlp = spacy.blank("en")
    model = {**pipeline["model"], "name": str(checkpoint)}
    nlp.add_pipe(pipeline["factory"], name="transformer", config={"model": model})
    nlp.initialize()
    start = time.perf_counter()
    nlp.to_disk(output)
    return {"save_s": time.perf_counter() - start}


def measure_load(folder: Path) -> dict[str, float]:
    """Load a pipeline, then use it once."""
    import spacy

    # Only the imports of the pipeline, which are measured separately.
    import_module(IMPORTS[folder.name])
    start = time.perf_counter()
    nlp = spacy.load(folder)
    seconds = time.perf_counter() - start
    peak = peak_memory()
    nlp("The first text reads the weights that it needs.")
    return {"load_s": seconds, "load_peak_gib": peak, "used_peak_gib": peak_memory()}


def main(
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
    repeats: Annotated[int, typer.Option(help="How often each figure is taken")] = 3,
    step: Annotated[str, typer.Option(hidden=True)] = "",
    folder: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> None:
    """Measure loading and saving of a base-size pipeline."""
    if step:
        action, name = step.split(":")
        if action == "save":
            result = measure_save(PIPELINES[name], folder / "checkpoint", folder / name)
        else:
            result = measure_load(folder / name)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as temporary:
        make_checkpoint(Path(temporary) / "checkpoint", vocabulary)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in PIPELINES}
        for _ in range(repeats):
            for name, results in runs.items():
                results.append(
                    {
                        **run_step(f"save:{name}", Path(temporary), vocabulary),
                        **run_step(f"load:{name}", Path(temporary), vocabulary),
                    }
                )
    columns = list(runs["ours"][0])
    msg.table(
        [
            (name, *(f"{statistics.median(r[c] for r in results):.2f}" for c in columns))
            for name, results in runs.items()
        ],
        header=("pipeline", *columns),
        divider=True,
    )


def run_step(step: str, folder: Path, vocabulary: Path) -> dict[str, float]:
    """Save or load a pipeline in its own process: `"save:ours"`, `"load:stock"`, ..."""
    command = [sys.executable, "-m", "benchmarks.saving"]
    options = ["--vocabulary", str(vocabulary), "--step", step, "--folder", str(folder)]
    done = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    typer.run(main)

"""Memory and time of span categorization with many candidates: ours and spaCy's own model.

    python -m benchmarks.spancat --vocabulary spm.model

One document of 1,000 tokens, with all 9,955 spans of up to 10 tokens as candidates. The encoder has
base width, one layer, random weights and frozen embeddings, and the heads are the same. Each figure
is measured in its own process, after a first update on a short text, and is the median of the
repeats: seconds of processor time, and peak memory minus the memory of the process before. Only
Linux can reset the peak memory.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

ARCHITECTURES = {"stock": "spacy.SpanCategorizer.v1", "ours": "spacy-deberta.SpanCategorizer.v1"}
ACTIONS = ("predict", "update")
ENCODER = {
    "hidden_size": 768,
    "num_hidden_layers": 1,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
LABELS = ("PERSON", "ORG", "GPE", "DATE", "EVENT")
WORDS = (
    "the",
    "committee",
    "adopted",
    "the",
    "report",
    "of",
    "the",
    "working",
    "group",
    "on",
    "trade",
)


def make_pipeline(
    architecture: str,
    vocabulary: Path,
    *,
    encoder: dict[str, int],
    longest: int,
    train_embeddings: bool = False,
) -> Any:
    """An initialized pipeline whose candidates are all spans of up to `longest` tokens."""
    import spacy

    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "deberta",
        name="transformer",
        config={
            "model": {
                "@architectures": "spacy-deberta.DebertaV2Model.v1",
                "name": None,
                "from_scratch": {"vocabulary": str(vocabulary), **encoder},
                "freeze_embeddings": not train_embeddings,
                "get_spans": {"@span_getters": "spacy-deberta.piece_windows.v1"},
            }
        },
    )
    nlp.add_pipe(
        "spancat",
        config={
            # Untrained scores are about 0.5, so half of the candidates would become spans.
            "threshold": 0.9,
            "suggester": {
                "@misc": "spacy.ngram_range_suggester.v1",
                "min_size": 1,
                "max_size": longest,
            },
            "model": {
                "@architectures": architecture,
                "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128},
                "scorer": {"@layers": "spacy.LinearLogistic.v1"},
                "tok2vec": {
                    "@architectures": "spacy-deberta.TransformerListener.v1",
                    "pooling": {"@layers": "reduce_mean.v1"},
                },
            },
        },
    )
    spancat: Any = nlp.get_pipe("spancat")
    for label in LABELS:
        spancat.add_label(label)
    nlp.initialize(lambda: [make_example(nlp, len(WORDS))])
    return nlp


def make_example(nlp: Any, tokens: int) -> Any:
    """An example of this many tokens with a span of each label."""
    from spacy.tokens import Doc, Span
    from spacy.training import Example

    words = list((WORDS * (tokens // len(WORDS) + 1))[:tokens])
    reference = Doc(nlp.vocab, words=words)
    reference.spans["sc"] = [
        Span(reference, start, start + 2, label) for start, label in enumerate(LABELS)
    ]
    return Example(Doc(nlp.vocab, words=words), reference)


def measure(action: str, nlp: Any, tokens: int) -> dict[str, float]:
    """Memory and time of inference or an update on one document."""
    optimizer = nlp.resume_training()
    # Allocates gradients and optimizer state, which do not depend on the document.
    nlp.update([make_example(nlp, len(WORDS))], sgd=optimizer)
    example = make_example(nlp, tokens)
    return _measure(
        {
            "predict": lambda: nlp(example.predicted),
            "update": lambda: nlp.update([example], sgd=optimizer),
        }[action]
    )


def _measure(run: Callable[[], Any]) -> dict[str, float]:
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = _memory("VmRSS")
    start = time.process_time()
    run()
    return {"s": time.process_time() - start, "MiB": _memory("VmHWM") - before}


def _memory(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 2**10
    raise ValueError(f"This system does not tell {name}.")


def main(
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
    tokens: Annotated[int, typer.Option(help="Tokens of the document")] = 1000,
    longest: Annotated[int, typer.Option(help="Tokens of the longest candidates")] = 10,
    train_embeddings: Annotated[
        bool, typer.Option("--train-embeddings", help="Do not freeze the embeddings")
    ] = False,
    repeats: Annotated[int, typer.Option(help="How often each figure is taken")] = 3,
    step: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure prediction and training of a span categorizer with many candidates."""
    if step:
        action, name = step.split(":")
        nlp = make_pipeline(
            ARCHITECTURES[name],
            vocabulary,
            encoder=ENCODER,
            longest=longest,
            train_embeddings=train_embeddings,
        )
        print(json.dumps(measure(action, nlp, tokens)))
        return
    command = [sys.executable, "-m", "benchmarks.spancat", "--vocabulary", str(vocabulary)]
    command += ["--tokens", str(tokens), "--longest", str(longest)]
    command += ["--train-embeddings"] * train_embeddings
    rows = []
    for action in ACTIONS:
        for name in ARCHITECTURES:
            results = [_run([*command, "--step", f"{action}:{name}"]) for _ in range(repeats)]
            figures = (statistics.median(r[unit] for r in results) for unit in ("MiB", "s"))
            rows.append((action, name, *(f"{figure:.2f}" for figure in figures)))
    candidates = sum(tokens - length + 1 for length in range(1, longest + 1))
    msg.info(f"{tokens} tokens, {candidates} candidates")
    msg.table(rows, header=("step", "model", "MiB", "seconds"), divider=True)


def _run(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    typer.run(main)

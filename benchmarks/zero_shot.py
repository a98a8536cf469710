"""Speed of zero-shot classification: ours against Hugging Face's pipeline.

    python -m benchmarks.zero_shot --vocabulary spm.model --texts texts.txt

Both run the same random checkpoint, in float32, interleaved in one process; each figure is the
median of the repeats. Their scores must be equal.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from benchmarks.saving import BASE

SMALL = {
    "hidden_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "intermediate_size": 1536,
}
LABELS = (
    "politics",
    "sports",
    "science",
    "travel",
    "food",
    "business",
    "health",
    "music",
    "technology",
    "weather",
)
NLI = ("contradiction", "neutral", "entailment")
TOLERANCE = 1e-4

Scores = list[dict[str, float]]
Classify = Callable[[Sequence[str]], Scores]


def make_checkpoint(folder: Path, vocabulary: Path, **changes: Any) -> None:
    """Write an NLI checkpoint with random weights, of base size except for `changes`."""
    from spacy_deberta import DebertaV2Config, DebertaV2ForSequenceClassification
    from spacy_deberta.tokenization import DebertaV2Tokenizer

    config = DebertaV2Config.from_dict({**BASE, **changes}).with_labels(NLI)
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)
    DebertaV2Tokenizer(vocab_file=vocabulary).save_pretrained(folder)


def ours(folder: Path) -> Classify:
    """The component `deberta_zero_shot`, in a pipeline."""
    import spacy

    nlp = spacy.blank("en")
    model = {"name": str(folder), "precision": "fp32"}
    nlp.add_pipe("deberta_zero_shot", config={"model": model, "labels": list(LABELS)})
    nlp.initialize()
    return lambda texts: [doc.cats for doc in nlp.pipe(texts)]


def huggingface(folder: Path, batch_size: int) -> Classify:
    """Hugging Face's zero-shot pipeline, with the slow tokenizer, whose ids are SentencePiece's."""
    import transformers

    pipe = transformers.pipeline(
        "zero-shot-classification",
        model=transformers.AutoModelForSequenceClassification.from_pretrained(folder),
        tokenizer=transformers.DebertaV2Tokenizer.from_pretrained(folder),
        device="cpu",
        batch_size=batch_size,
    )
    labels = list(LABELS)
    return lambda texts: [
        dict(zip(r["labels"], r["scores"], strict=True)) for r in pipe(list(texts), labels)
    ]


def compare(folder: Path, texts: Sequence[str], *, repeats: int) -> dict[str, float]:
    """Median seconds for all texts, by contender."""
    runs = {
        "ours": ours(folder),
        "huggingface": huggingface(folder, batch_size=1),
        "huggingface, batch_size=32": huggingface(folder, batch_size=32),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        scores: dict[str, Scores] = {}
        for name, classify in runs.items():
            start = time.perf_counter()
            scores[name] = classify(texts)
            seconds[name].append(time.perf_counter() - start)
        for name, found in scores.items():
            _check_same(scores["ours"], found, name)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _check_same(ours: Scores, theirs: Scores, name: str) -> None:
    for row, other in zip(ours, theirs, strict=True):
        distance = max(abs(row[label] - other[label]) for label in LABELS)
        assert distance < TOLERANCE, f"{name} differs by {distance}"


def main(
    vocabulary: Annotated[Path, typer.Option(help="A SentencePiece model", exists=True)],
    texts: Annotated[Path, typer.Option(help="A file with a text in each line", exists=True)],
    count: Annotated[int, typer.Option(help="How many of them")] = 100,
    repeats: Annotated[int, typer.Option(help="How often each figure is taken")] = 3,
    small: Annotated[bool, typer.Option(help="4 layers of 384 instead of base size")] = False,
) -> None:
    """Measure zero-shot classification with ten labels."""
    lines = texts.read_text(encoding="utf-8").splitlines()
    chosen = [line.strip() for line in lines if line.strip()][:count]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "checkpoint"
        make_checkpoint(folder, vocabulary, **(SMALL if small else {}))
        seconds = compare(folder, chosen, repeats=repeats)
    msg.table(
        [
            (name, f"{value:.2f}", f"{len(chosen) / value:.1f}", f"{value / seconds['ours']:.2f}")
            for name, value in seconds.items()
        ],
        header=("what runs", "seconds", "texts/s", "times ours"),
        divider=True,
    )


if __name__ == "__main__":
    typer.run(main)

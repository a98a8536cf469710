"""Accuracy of a precision: the predictions of a trained pipeline, compared with float32's.

    python -m benchmarks.precision training/model-best corpus/dev.spacy --precision int8

`"auto"` may only select a precision with at least 99.9% of the same entities as float32. Scores are
those of `spacy benchmark accuracy`.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from wasabi import msg

PRECISIONS = ("fp32", "bf16", "int8")
SCORES = ("ents_f", "spans_sc_f", "tag_acc", "dep_las", "cats_score")

# Document, start, end, label and span group.
Annotation = tuple[int, int, int, str, str]


def load(pipeline: Path, precision: str) -> Any:
    """Load a trained pipeline with a precision of its encoder."""
    names = [
        name
        for name, component in spacy.util.load_config(pipeline / "config.cfg")["components"].items()
        if "precision" in component.get("model", {})
    ]
    overrides = {f"components.{name}.model.precision": precision for name in names}
    return spacy.load(pipeline, config=overrides)


def annotations(docs: Sequence[Doc]) -> set[Annotation]:
    """All entities and spans of documents."""
    found = set()
    for index, doc in enumerate(docs):
        for group, spans in [("ents", doc.ents), *doc.spans.items()]:
            found |= {(index, span.start, span.end, span.label_, group) for span in spans}
    return found


def measure(pipeline: Path, examples: Path, precision: str) -> tuple[set[Annotation], dict, float]:
    """Predict and evaluate.

    Args:
        pipeline: A trained pipeline.
        examples: Gold documents, `.spacy`.
        precision: The precision of its encoder.

    Returns:
        Its annotations, its scores, and the seconds of inference.
    """
    nlp = load(pipeline, precision)
    gold = [example.reference for example in Corpus(examples)(nlp)]
    start = time.perf_counter()
    docs = list(
        nlp.pipe(
            Doc(nlp.vocab, [t.text for t in d], [bool(t.whitespace_) for t in d]) for d in gold
        )
    )
    seconds = time.perf_counter() - start
    scores = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in gold])
    return annotations(docs), scores, seconds


def agreement(found: set[Annotation], expected: set[Annotation]) -> float:
    """The intersection of two sets of annotations, divided by their union."""
    together = found | expected
    return len(found & expected) / len(together) if together else 1.0


def main(
    pipeline: Annotated[Path, typer.Argument(help="A trained pipeline", exists=True)],
    examples: Annotated[Path, typer.Argument(help="Gold documents, .spacy", exists=True)],
    precision: Annotated[
        list[str] | None, typer.Option(help="What to compare with fp32; all if none")
    ] = None,
) -> None:
    """Compare the predictions of a trained pipeline in several precisions."""
    expected: set[Annotation] = set()
    rows = []
    for name in ("fp32", *(precision or PRECISIONS[1:])):
        found, scores, seconds = measure(pipeline, examples, name)
        expected = found if name == "fp32" else expected
        shown = [f"{100 * scores[key]:.2f}" if scores.get(key) else "" for key in SCORES]
        same = f"{100 * agreement(found, expected):.2f}%"
        rows.append((name, str(len(found)), same, *shown, f"{seconds:.1f}"))
    header = ("precision", "annotations", "as in fp32", *SCORES, "seconds")
    msg.table(rows, header=header, divider=True)


if __name__ == "__main__":
    typer.run(main)

"""Score baselines without a model, which use only the positions or lengths of the choices."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.tokens import Doc
from wasabi import msg

from spacy_deberta.corpora import multiple_choice_corpus_v1

Guess = Callable[[Doc], int]


def read_docs(path: Path) -> list[Doc]:
    """Read the questions with their right choices."""
    return [example.reference for example in multiple_choice_corpus_v1(path)(spacy.blank("en"))]


def longest(doc: Doc) -> int:
    """The first of the choices with the most characters."""
    lengths = [len(choice) for choice in doc._.choices]
    return lengths.index(max(lengths))


def accuracy(docs: list[Doc], guess: Guess) -> float:
    """The share of right answers."""
    return sum(guess(doc) == doc._.right_choice for doc in docs) / len(docs)


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    dev: Annotated[Path, typer.Argument(help="The development data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores for both parts."""
    counts = Counter(doc._.right_choice for doc in read_docs(train))
    majority = min(counts, key=lambda index: (-counts[index], index))
    scores: dict[str, object] = {"majority_index": majority}
    for name, path in (("dev", dev), ("test", test)):
        docs = read_docs(path)
        scores[name] = {
            "majority": accuracy(docs, lambda doc: majority),
            "longest": accuracy(docs, longest),
            "chance": sum(1 / len(doc._.choices) for doc in docs) / len(docs),
        }
        msg.good(f"{name}: {scores[name]}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)

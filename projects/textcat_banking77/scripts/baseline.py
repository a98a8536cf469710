"""Score a baseline without a model: the most frequent category of the training data."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab
from wasabi import msg


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    """Read a `.spacy` file."""
    return list(DocBin().from_disk(path).get_docs(vocab))


def majority(docs: list[Doc]) -> str:
    """The most frequent category; of several, the first in alphabetical order."""
    counts = Counter(max(doc.cats, key=doc.cats.__getitem__) for doc in docs)
    return min(counts, key=lambda category: (-counts[category], category))


def score(docs: list[Doc], category: str) -> dict[str, Any]:
    """The scores of `textcat` for that category."""
    examples = []
    for doc in docs:
        guess = Doc(doc.vocab, words=[token.text for token in doc])
        guess.cats = {label: float(label == category) for label in doc.cats}
        examples.append(Example(guess, doc))
    scores = Scorer.score_cats(
        examples, "cats", labels=list(docs[0].cats), multi_label=False, threshold=0.0
    )
    return {"accuracy": scores["cats_micro_f"], "cats_macro_f": scores["cats_macro_f"]}


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    dev: Annotated[Path, typer.Argument(help="The development data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores for both parts."""
    vocab = spacy.blank("en").vocab
    category = majority(read_docs(train, vocab))
    scores: dict[str, Any] = {"guess": f"always {category}"}
    for name, path in (("dev", dev), ("test", test)):
        scores[name] = score(read_docs(path, vocab), category)
        msg.good(f"{name}, always {category}: accuracy {scores[name]['accuracy']:.1%}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)

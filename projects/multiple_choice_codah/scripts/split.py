"""Split CODAH's questions into training, development and test data.

The file has no official splits. Its lines are shuffled with a fixed seed. The test questions
are also written as documents, for `spacy deberta visualize`, and the training questions and choices
as lines of text, for a vocabulary.
"""

import random
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import Doc, DocBin
from wasabi import msg

from spacy_deberta.corpora import multiple_choice_corpus_v1

SEED = 0
TEST, DEV = 0.2, 0.1


def split_lines(lines: list[str]) -> dict[str, list[str]]:
    """Split the lines at random with a fixed seed."""
    shuffled = lines.copy()
    random.Random(SEED).shuffle(shuffled)
    test = round(TEST * len(lines))
    dev = test + round(DEV * len(lines))
    return {"test": shuffled[:test], "dev": shuffled[test:dev], "train": shuffled[dev:]}


def read_questions(path: Path) -> list[Doc]:
    """The questions of a file as documents, with their choices as `doc._.choices`."""
    return [example.reference for example in multiple_choice_corpus_v1(path)(spacy.blank("en"))]


def main(
    source: Annotated[Path, typer.Argument(help="full_data.tsv", exists=True)],
    output: Annotated[Path, typer.Argument(help="Folder for train, dev and test .tsv")],
) -> None:
    """Split the file."""
    output.mkdir(parents=True, exist_ok=True)
    lines = source.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for name, part in split_lines(lines).items():
        path = output / f"{name}.tsv"
        path.write_text("\n".join(part) + "\n", encoding="utf-8")
        msg.good(f"{path}: {len(part)} questions")
    test = read_questions(output / "test.tsv")
    DocBin(docs=test, store_user_data=True).to_disk(output / "test.spacy")
    train = read_questions(output / "train.tsv")
    texts = [text for doc in train for text in (doc.text, *doc._.choices)]
    (output / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)

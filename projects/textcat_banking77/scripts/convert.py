"""Convert BANKING77's CSV files (`text,category`) to spaCy's binary format.

There is no development file, so every tenth question of each category in the training file is held
out for it, in the order of the file. The split is deterministic, and all categories are in both.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from wasabi import msg

DEV_EVERY = 10


@dataclass(frozen=True)
class Question:
    """The question of a customer, and its category."""

    text: str
    category: str


def read_questions(path: Path) -> list[Question]:
    """Read one of the files.

    Raises:
        typer.BadParameter: The columns are wrong, or a row has no text or no category.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ["text", "category"]:
            raise typer.BadParameter(f"{path} has to have the columns text,category")
        questions = []
        for row in reader:
            if not row["text"] or not row["category"]:
                raise typer.BadParameter(
                    f"{path}, line {reader.line_num}: text or category is missing"
                )
            questions.append(Question(row["text"], row["category"]))
    return questions


def split_questions(questions: Iterable[Question]) -> tuple[list[Question], list[Question]]:
    """Split the questions into training and development data."""
    train, dev = [], []
    seen: defaultdict[str, int] = defaultdict(int)
    for question in questions:
        seen[question.category] += 1
        (train if seen[question.category] % DEV_EVERY else dev).append(question)
    return train, dev


def mix(questions: Iterable[Question]) -> list[Question]:
    """Interleave the categories, because the files are sorted and a page shows the first texts."""
    seen: defaultdict[str, int] = defaultdict(int)
    numbered = []
    for question in questions:
        seen[question.category] += 1
        numbered.append((seen[question.category], question))
    return [question for _, question in sorted(numbered, key=lambda pair: pair[0])]


def make_doc(nlp: Language, question: Question, categories: Iterable[str]) -> Doc:
    """One document with a score of 0 or 1 for every category."""
    doc = nlp.make_doc(question.text)
    doc.cats = {category: float(category == question.category) for category in categories}
    return doc


def main(
    train: Annotated[Path, typer.Argument(help="train.csv", exists=True)],
    test: Annotated[Path, typer.Argument(help="test.csv", exists=True)],
    output: Annotated[Path, typer.Argument(help="Folder for train, dev and test .spacy")],
) -> None:
    """Convert both files."""
    training, development = split_questions(read_questions(train))
    splits = {"train": training, "dev": mix(development), "test": mix(read_questions(test))}
    categories = sorted({question.category for question in training})
    if unknown := {question.category for question in splits["test"]} - set(categories):
        raise typer.BadParameter(f"{test} has categories that {train} lacks: {sorted(unknown)}")
    nlp = spacy.blank("en")
    output.mkdir(parents=True, exist_ok=True)
    for name, questions in splits.items():
        docs = [make_doc(nlp, question, categories) for question in questions]
        DocBin(docs=docs).to_disk(output / f"{name}.spacy")
        msg.good(f"{name}: {len(docs)} questions in {len(categories)} categories")


if __name__ == "__main__":
    typer.run(main)

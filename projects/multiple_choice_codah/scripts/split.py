"""Split CODAH's questions into training, development and test data.

The file has no official splits. Its lines are shuffled with a fixed seed. The test questions
are also written as documents, for `spacy deberta visualize`.
"""

import random
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin
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
    examples = multiple_choice_corpus_v1(output / "test.tsv")(spacy.blank("en"))
    docs = [example.reference for example in examples]
    DocBin(docs=docs, store_user_data=True).to_disk(output / "test.spacy")


if __name__ == "__main__":
    typer.run(main)

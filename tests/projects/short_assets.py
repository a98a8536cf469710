"""Shortened assets, for a test that all commands run."""

import csv
import itertools
import json
import lzma
from collections.abc import Callable
from pathlib import Path

EVERY = 10
UTTERANCES = 600
SENTENCES = 400
DOCUMENTS = 1500


def every_tenth_row(path: Path) -> None:
    """Keep every tenth row of a CSV file that is sorted by label, and its head."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows[::EVERY]])


def first_utterances(path: Path) -> None:
    """Keep the first records of a JSON list."""
    records = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(records[:UTTERANCES]), encoding="utf-8")


def first_sentences(path: Path) -> None:
    """Keep the first sentences of a file of columns, in which empty lines stand between them."""
    sentences = itertools.islice(path.read_text(encoding="utf-8").split("\n\n"), SENTENCES)
    path.write_text("\n\n".join(sentences) + "\n\n", encoding="utf-8")


def first_documents(path: Path) -> None:
    """Keep the first documents of a packed text, in which empty lines stand between them."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        documents = itertools.islice(file.read().split("\n\n"), DOCUMENTS)
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.write("\n\n".join(documents))


def first_lines(path: Path) -> None:
    """Keep the first lines of a file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join(lines[:UTTERANCES]), encoding="utf-8")


SHORTEN: dict[str, Callable[[Path], None]] = {
    "pretrain_mini": first_documents,
    "ner_wnut17": first_sentences,
    "textcat_banking77": every_tenth_row,
    "spancat_restaurant8k": first_utterances,
    "parsing_ud_ewt": first_sentences,
    "multiple_choice_codah": first_lines,
}

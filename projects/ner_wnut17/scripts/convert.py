"""Convert CoNLL columns (`token<TAB>label`, BIO) to spaCy's binary format, one document a sentence.

`spacy convert` reads a line of white space as a token, but in these files it separates sentences.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import Doc, DocBin
from spacy.training import biluo_tags_to_spans, iob_to_biluo
from wasabi import msg


def read_sentences(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Read the words and labels of each sentence."""
    rows: list[list[str]] = []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if line.strip():
            rows.append(line.split("\t"))
        elif rows:
            yield [row[0] for row in rows], [row[1].strip() for row in rows]
            rows = []


def main(
    source: Annotated[Path, typer.Argument(help="A CoNLL file", exists=True)],
    output: Annotated[Path, typer.Argument(help="The .spacy file to write")],
) -> None:
    """Convert one file."""
    vocab = spacy.blank("en").vocab
    docs = DocBin()
    for words, labels in read_sentences(source):
        doc = Doc(vocab, words=words)
        doc.ents = biluo_tags_to_spans(doc, iob_to_biluo(labels))
        docs.add(doc)
    output.parent.mkdir(parents=True, exist_ok=True)
    docs.to_disk(output)
    msg.good(f"{output}: {len(docs)} sentences")


if __name__ == "__main__":
    typer.run(main)

"""Train a SentencePiece vocabulary in DeBERTa's layout on the texts of a `.spacy` file."""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin

from spacy_deberta.tokenization import train_vocabulary


def main(
    corpus: Annotated[Path, typer.Argument(help="A .spacy file", exists=True)],
    output: Annotated[Path, typer.Argument(help="Where to write the spm.model")],
    size: Annotated[int, typer.Option(help="Number of pieces")] = 2000,
) -> None:
    """Train the vocabulary."""
    vocab = spacy.blank("en").vocab
    docs = DocBin().from_disk(corpus).get_docs(vocab)
    output.parent.mkdir(parents=True, exist_ok=True)
    train_vocabulary((doc.text for doc in docs), output, vocab_size=size)


if __name__ == "__main__":
    typer.run(main)

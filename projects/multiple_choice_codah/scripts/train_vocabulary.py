"""Train a SentencePiece vocabulary in DeBERTa's layout on questions and their choices."""

from pathlib import Path
from typing import Annotated

import spacy
import typer

from spacy_deberta.corpora import multiple_choice_corpus_v1
from spacy_deberta.tokenization import train_vocabulary


def main(
    corpus: Annotated[Path, typer.Argument(help="The training questions", exists=True)],
    output: Annotated[Path, typer.Argument(help="Where to write the spm.model")],
    size: Annotated[int, typer.Option(help="Number of pieces")] = 2000,
) -> None:
    """Train the vocabulary."""
    examples = multiple_choice_corpus_v1(corpus)(spacy.blank("en"))
    docs = [example.reference for example in examples]
    texts = [text for doc in docs for text in (doc.text, *doc._.choices)]
    output.parent.mkdir(parents=True, exist_ok=True)
    train_vocabulary(texts, output, vocab_size=size)


if __name__ == "__main__":
    typer.run(main)

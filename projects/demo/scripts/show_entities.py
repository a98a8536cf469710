"""Print a text with its predicted entities."""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from wasabi import msg


def main(
    pipeline: Annotated[Path, typer.Argument(help="A trained pipeline", exists=True)],
    text: Annotated[str, typer.Argument(help="The text")],
) -> None:
    """Print the entities of a text."""
    doc = spacy.load(pipeline)(text)
    msg.divider("Entities")
    print(doc.text)
    msg.table(
        [(ent.text, ent.label_, f"{ent.start_char}–{ent.end_char}") for ent in doc.ents],
        header=("Entity", "Label", "Characters"),
        divider=True,
    )


if __name__ == "__main__":
    typer.run(main)

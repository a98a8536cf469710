"""Print the entities of a text for labels of one call."""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from wasabi import msg


def main(
    pipeline: Annotated[Path, typer.Argument(help="The trained pipeline")],
    text: Annotated[str, typer.Argument(help="The text")],
    labels: Annotated[str, typer.Argument(help="Labels, between commas")],
    threshold: Annotated[float, typer.Option(help="Lowest score that is shown")] = 0.1,
) -> None:
    """Ask for entities without changing the labels of the pipeline."""
    nlp = spacy.load(pipeline)
    asked = [label.strip() for label in labels.split(",")]
    found = nlp(text)._.find_entities(asked, threshold=threshold)
    rows = [(entity.span.text, entity.span.label_, f"{entity.score:.2f}") for entity in found]
    msg.table(rows, header=("Entity", "Label", "Score"), divider=True)


if __name__ == "__main__":
    typer.run(main)

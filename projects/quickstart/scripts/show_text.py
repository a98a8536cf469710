"""Print the predictions for a text: entities, category and spans."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import Span
from wasabi import msg


def print_spans(spans: Iterable[Span]) -> None:
    """Print a table of spans."""
    msg.table(
        [(span.text, span.label_, f"{span.start_char}–{span.end_char}") for span in spans],
        header=("Words", "Label", "Characters"),
        divider=True,
    )


def main(
    pipeline: Annotated[Path, typer.Argument(help="A trained pipeline", exists=True)],
    text: Annotated[str, typer.Argument(help="The text")],
) -> None:
    """Print the entities, the category and the spans of a text."""
    doc = spacy.load(pipeline)(text)
    print(doc.text)
    msg.divider("Entities")
    print_spans(doc.ents)
    msg.divider("Category")
    best_first = sorted(doc.cats, key=lambda label: -doc.cats[label])
    msg.table([(label, f"{doc.cats[label]:.1%}") for label in best_first], aligns=("l", "r"))
    for key, spans in doc.spans.items():
        msg.divider(f"Spans “{key}”")
        print_spans(spans)


if __name__ == "__main__":
    typer.run(main)

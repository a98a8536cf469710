"""Score a dictionary of the names in the training data, with their most frequent labels."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.training import Corpus
from wasabi import msg


def main(
    train: Annotated[Path, typer.Argument(help="The training data", exists=True)],
    dev: Annotated[Path, typer.Argument(help="The development data", exists=True)],
    test: Annotated[Path, typer.Argument(help="The test data", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
) -> None:
    """Write the scores of both parts."""
    nlp = spacy.blank("en")
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in Corpus(train)(nlp):
        for entity in example.reference.ents:
            labels[entity.text][entity.label_] += 1
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": counts.most_common(1)[0][0], "pattern": name} for name, counts in labels.items()]
    )
    scores = {}
    for part, path in {"dev": dev, "test": test}.items():
        evaluated = nlp.evaluate(Corpus(path)(nlp))
        scores[part] = {key: evaluated[key] for key in ("ents_p", "ents_r", "ents_f")}
        msg.good(f"Names seen in training, {part}: F {evaluated['ents_f']:.1%}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)

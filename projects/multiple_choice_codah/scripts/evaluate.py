"""Score a pipeline on questions, because `spacy benchmark accuracy` omits unknown scores."""

from math import sqrt
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.cli._util import setup_gpu
from wasabi import msg

from spacy_deberta.corpora import multiple_choice_corpus_v1


def main(
    model: Annotated[Path, typer.Argument(help="The pipeline", exists=True)],
    corpus: Annotated[Path, typer.Argument(help="The questions", exists=True)],
    output: Annotated[Path, typer.Argument(help="The JSON file to write")],
    gpu_id: Annotated[int, typer.Option(help="GPU ID or -1 for CPU")] = -1,
) -> None:
    """Write the accuracy and its standard error."""
    setup_gpu(gpu_id)
    nlp = spacy.load(model)
    examples = list(multiple_choice_corpus_v1(corpus)(nlp))
    accuracy = nlp.evaluate(examples)["choice_acc"]
    scores = {
        "choice_acc": accuracy,
        "standard_error": sqrt(accuracy * (1 - accuracy) / len(examples)),
        "questions": len(examples),
    }
    msg.good(f"{corpus}: {accuracy:.1%} ± {scores['standard_error']:.1%} of {len(examples)}")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)

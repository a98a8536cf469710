"""Write a pretrained model in half precision, and its last scores on held-out text."""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from spacy_deberta import DebertaV2ForMaskedLM, DebertaV2Tokenizer


def main(
    pretrained: Annotated[Path, typer.Argument(help="Folder of `spacy deberta pretrain`")],
    output: Annotated[Path, typer.Argument(help="Folder to write the model to")],
    metrics: Annotated[Path, typer.Argument(help="JSON file to write the scores to")],
) -> None:
    """Write both."""
    rows = srsly.read_jsonl(pretrained / "training" / "log.jsonl")
    scores = [row["held_out"] for row in rows if row["held_out"]][-1]["mlm"]
    DebertaV2ForMaskedLM.from_pretrained(pretrained).save_pretrained(output, precision="fp16")
    DebertaV2Tokenizer.from_pretrained(pretrained).save_pretrained(output)
    metrics.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(metrics, {"accuracy": scores["accuracy"], "loss": scores["loss"]})
    size = sum(path.stat().st_size for path in output.iterdir())
    msg.good(f"{output}: {size / 1e6:.1f} MB, {scores['accuracy']:.1%} of hidden pieces guessed")


if __name__ == "__main__":
    typer.run(main)

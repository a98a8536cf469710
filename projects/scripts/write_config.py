"""Write the config of a project: for a pretrained encoder, or a small one from random weights.

The variable `encoder` of the project selects the encoder. With a name on the hub or a folder, the
config keeps its values for fine-tuning. With `null`, the encoder has random weights. For these, and
for the small model of the package, the learning rate is higher and batches are smaller.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.util import load_config
from wasabi import msg

from spacy_deberta.checkpoints import embedded_names

# Training settings of a small encoder: from random weights, and pretrained.
LEARN_RATE = 0.001
PRETRAINED_LEARN_RATE = 0.0005
WARMUP_STEPS = 50
ATTENTION_HEADS = 4


def from_scratch(
    *, component: str, vocabulary: Path, hidden_size: int, layers: int
) -> dict[str, Any]:
    """The settings that build an encoder from random weights."""
    return {
        "paths.encoder": None,
        f"components.{component}.model.from_scratch": {
            "vocabulary": str(vocabulary),
            "hidden_size": hidden_size,
            "num_hidden_layers": layers,
            "num_attention_heads": ATTENTION_HEADS,
            "intermediate_size": 4 * hidden_size,
        },
    }


def small_training(*, learn_rate: float, batch_size: int, dropout: float) -> dict[str, Any]:
    """The settings that train a small encoder."""
    return {
        "training.dropout": dropout,
        "training.accumulate_gradient": 1,
        "training.batcher.size": batch_size,
        "training.optimizer.learn_rate.initial_rate": learn_rate,
        "training.optimizer.learn_rate.warmup_steps": WARMUP_STEPS,
    }


def scored_every(steps: int, at_most: int) -> int:
    """The number of steps between evaluations that leaves the fewest steps after the last one."""
    most = min(at_most, steps)
    frequencies = range((most + 1) // 2, most + 1)
    return max(frequencies, key=lambda frequency: (-(steps % frequency), frequency))


def main(
    config: Annotated[Path, typer.Argument(help="A config of ../configs", exists=True)],
    output: Annotated[Path, typer.Argument(help="The config to write")],
    encoder: Annotated[str, typer.Option(help="A hub name, a folder, or null: random weights")],
    steps: Annotated[int, typer.Option(help="Training steps", min=1)],
    vocabulary: Annotated[Path, typer.Option(help="A spm.model, for random weights")],
    hidden_size: Annotated[int, typer.Option(help="Width, for random weights")] = 128,
    layers: Annotated[int, typer.Option(help="Number of layers, for random weights")] = 2,
    batch_size: Annotated[int, typer.Option(help="Tokens a batch, for small encoders")] = 1000,
    dropout: Annotated[float, typer.Option(help="Dropout, for small encoders")] = 0.1,
    eval_frequency: Annotated[
        int, typer.Option(help="Steps from score to score, at most", min=1)
    ] = 100,
    log: Annotated[
        Path | None, typer.Option(help="Where training writes its scores, one JSON a line")
    ] = None,
    component: Annotated[
        str, typer.Option(help="The component with the encoder, for random weights")
    ] = "transformer",
    pipeline: Annotated[
        str | None, typer.Option(help="Components to keep, with commas; all others are left out")
    ] = None,
) -> None:
    """Write the config."""
    settings: dict[str, Any] = {
        "training.max_steps": steps,
        "training.eval_frequency": scored_every(steps, eval_frequency),
        "training.optimizer.learn_rate.total_steps": steps,
    }
    if encoder == "null":
        settings |= from_scratch(
            component=component,
            vocabulary=vocabulary,
            hidden_size=hidden_size,
            layers=layers,
        )
    else:
        settings["paths.encoder"] = encoder
    if encoder in ("null", *embedded_names()):
        settings |= small_training(
            learn_rate=LEARN_RATE if encoder == "null" else PRETRAINED_LEARN_RATE,
            batch_size=batch_size,
            dropout=dropout,
        )
    if pipeline is not None:
        settings["nlp.pipeline"] = pipeline.split(",")
    written = load_config(config, overrides=settings)
    training = written["training"]
    learn_rate = training["optimizer"]["learn_rate"]
    learn_rate["warmup_steps"] = min(learn_rate["warmup_steps"], steps // 2)
    kept = written["nlp"]["pipeline"]
    if missing := sorted(set(kept) - set(written["components"])):
        raise typer.BadParameter(f"{config} has no component {', '.join(missing)}")
    written["components"] = {name: written["components"][name] for name in kept}
    if log is not None:
        # spaCy does not log to a file that exists.
        log.unlink(missing_ok=True)
        training["logger"] = {
            "@loggers": "spacy.ConsoleLogger.v3",
            "progress_bar": None,
            "output_file": str(log),
        }
    output.parent.mkdir(parents=True, exist_ok=True)
    written.to_disk(output)
    msg.good(f"{output}: {'random weights' if encoder == 'null' else encoder}, {steps} steps")


if __name__ == "__main__":
    typer.run(main)

"""What a user chooses about a config: the encoder, the number of updates, the log."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from spacy_deberta.checkpoints import embedded_names
from spacy_deberta.errors import Errors

from .settings import OPTIMIZE, ConfigValues, Optimize

# As a value of `--encoder`, so that a variable of a project can select random weights.
NO_ENCODER = "null"

RANDOM_LEARN_RATE = 0.001
# Width of an attention head, and the number of heads that small encoders have nevertheless.
_HEAD_WIDTH = 64
_MIN_HEADS = 4


@dataclass(frozen=True, kw_only=True)
class RandomWeights:
    """Sizes of an encoder from random weights.

    Attributes:
        vocabulary: Path of an `spm.model`.
        hidden_size: Width.
        layers: Number of layers.
    """

    vocabulary: Path | None = None
    hidden_size: int = 128
    layers: int = 2

    def to_json(self) -> str:
        """The value of `from_scratch` in a config.

        Raises:
            ValueError: There is no vocabulary (E540), or the width can't be divided among the
                heads (E541).
        """
        if self.vocabulary is None:
            raise ValueError(Errors.E540)
        heads = max(_MIN_HEADS, self.hidden_size // _HEAD_WIDTH)
        if self.hidden_size < 1 or self.hidden_size % heads:
            raise ValueError(Errors.E541.format(hidden_size=self.hidden_size))
        sizes = {
            "vocabulary": str(self.vocabulary),
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.layers,
            "num_attention_heads": heads,
            "intermediate_size": 4 * self.hidden_size,
        }
        return json.dumps(sizes, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class TrainingChoices:
    """Settings of the training; None for the value that fits the encoder.

    Attributes:
        steps: Number of updates.
        eval_frequency: Maximum number of updates between two evaluations.
        dropout: Rate of dropout, below 1.
        log: A file for the scores.
    """

    steps: int | None = None
    eval_frequency: int | None = None
    dropout: float | None = None
    log: Path | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: A value is out of its range (E543).
        """
        check_positive(steps=self.steps, eval_frequency=self.eval_frequency)
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ValueError(
                Errors.E543.format(name="dropout", value=self.dropout, wanted="from 0 to below 1")
            )

    def apply(self, settings: ConfigValues) -> ConfigValues:
        """The settings with these choices."""
        changes = {
            "eval_frequency": self.eval_frequency,
            "dropout": self.dropout,
            "log": None if self.log is None else str(self.log),
        }
        changed = {name: value for name, value in changes.items() if value is not None}
        settings = dataclasses.replace(settings, **changed)  # type: ignore[arg-type]
        if self.steps is None:
            return settings
        return dataclasses.replace(
            settings,
            max_steps=self.steps,
            warmup_steps=min(settings.warmup_steps, self.steps // 2),
            eval_frequency=evaluate_every(self.steps, at_most=settings.eval_frequency),
        )


def check_positive(**values: int | None) -> None:
    """Check that numbers are above 0.

    Raises:
        ValueError: One is not (E543).
    """
    for name, value in values.items():
        if value is not None and value < 1:
            raise ValueError(Errors.E543.format(name=name, value=value, wanted="1 or more"))


def evaluate_every(steps: int, *, at_most: int) -> int:
    """The number of updates between evaluations that leaves the fewest after the last one."""
    most = min(at_most, steps)
    frequencies = range((most + 1) // 2, most + 1)
    return max(frequencies, key=lambda frequency: (-(steps % frequency), frequency))


def choose_settings(
    optimize: Optimize | None, encoder: str | None, weights: RandomWeights
) -> tuple[Optimize, ConfigValues]:
    """Where the config will be trained, and its settings, by the encoder.

    Args:
        optimize: Where it will be trained; None to derive it from the encoder.
        encoder: A checkpoint, or "null" for random weights; None for those if there is a
            vocabulary, and otherwise for the checkpoint of `optimize`.
        weights: Sizes of the encoder, used for random weights alone.

    Returns:
        Where the config will be trained, and the settings.

    Raises:
        ValueError: `optimize` is unknown (E539), or the sizes can't be (E540, E541).
    """
    if encoder is None and weights != RandomWeights():
        encoder = NO_ENCODER
    if optimize is None:
        small = encoder in (None, NO_ENCODER, *embedded_names())
        optimize = "cpu" if small else "gpu"
    if optimize not in OPTIMIZE:
        raise ValueError(Errors.E539.format(optimize=optimize))
    settings = OPTIMIZE[optimize]
    if encoder == NO_ENCODER:
        return optimize, dataclasses.replace(
            settings,
            encoder=None,
            from_scratch=weights.to_json(),
            learn_rate=RANDOM_LEARN_RATE,
        )
    return optimize, settings if encoder is None else dataclasses.replace(settings, encoder=encoder)

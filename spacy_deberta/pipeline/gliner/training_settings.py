"""The section `training` of `deberta_gliner`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from spacy_deberta.errors import Errors, check_number
from spacy_deberta.layers import REDUCTIONS, FocalLoss, check_choice
from spacy_deberta.pipeline.labels import check_labels


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a GLiNER is trained.

    Attributes:
        held_out: Labels that are not trained: their entities are no entities in training, and
            evaluation has scores of their own for them.
        max_labels: Maximum number of labels of a text.
        negatives: The labels that a text lacks are a random number, up to this, for each of its
            entities.
        alpha: Weight of positives in the loss, and `1 - alpha` of negatives; null for 1 for both.
        gamma: Exponent of the focal loss; 0 for cross entropy.
        label_smoothing: Share of each target that is replaced by 0.5.
        prob_margin: Probability that negatives may have without a loss.
        reduction: "sum", or "mean" for the sum divided by the number of spans.
        head_rate: Factor on the learning rate of all that comes after the encoder.

    Source: The fine-tuning example and the defaults of gliner 0.2.29.
    """

    held_out: tuple[str, ...] = ()
    max_labels: int = 25
    negatives: int = 1
    alpha: float | None = 0.75
    gamma: float = 2.0
    label_smoothing: float = 0.0
    prob_margin: float = 0.0
    reduction: str = "sum"
    head_rate: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "held_out", tuple(check_labels(self.held_out)))
        check_number("max_labels", self.max_labels, lambda n: n > 0, "above 0", whole=True)
        check_number("negatives", self.negatives, lambda n: n >= 0, "at least 0", whole=True)
        if self.alpha is not None:
            check_number("alpha", self.alpha, lambda x: 0 <= x <= 1, "from 0 to 1")
        # The derivative of a root is infinite at 0.
        is_exponent = "0, or at least 1"
        check_number("gamma", self.gamma, lambda x: x == 0 or x >= 1, is_exponent)
        for name in ("label_smoothing", "prob_margin"):
            check_number(name, getattr(self, name), lambda x: 0 <= x < 1, "from 0 to below 1")
        check_choice("reduction", self.reduction, REDUCTIONS)
        check_number("head_rate", self.head_rate, lambda x: x >= 0, "at least 0")

    @property
    def loss(self) -> FocalLoss:
        """The loss of a span or word and a label."""
        return FocalLoss(
            alpha=self.alpha,
            gamma=self.gamma,
            label_smoothing=self.label_smoothing,
            prob_margin=self.prob_margin,
            reduction=self.reduction,
        )


def default_training() -> dict[str, Any]:
    """The section with its default values, as JSON."""
    return {**asdict(TrainingSettings()), "held_out": []}


def read_training(values: Mapping[str, Any]) -> TrainingSettings:
    """Check the section.

    Args:
        values: Its values; missing ones have their default.

    Raises:
        ValueError: A setting is unknown or has an invalid value (E374).
    """
    known = [field.name for field in fields(TrainingSettings)]
    unknown = [name for name in values if name not in known]
    if unknown:
        error = f"there is no {unknown[0]!r}, only {', '.join(known)}"
        raise ValueError(Errors.E374.format(error=error))
    try:
        return TrainingSettings(**values)
    except ValueError as error:
        raise ValueError(Errors.E374.format(error=error)) from error

"""Settings of `deberta_gliner`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spacy_deberta.errors import Errors, check_flag, check_number, check_string
from spacy_deberta.layers import check_choice, check_setting
from spacy_deberta.pipeline.labels import check_labels
from spacy_deberta.pipeline.token_classifier.token_spans import ALIGNMENT_MODES

from .training_settings import TrainingSettings, default_training, read_training

ANNOTATIONS = ("ents", "spans")


@dataclass(frozen=True, kw_only=True)
class GlinerSettings:
    """Settings of `deberta_gliner`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413, E624, E625, E627), a
            description has no text (E366), another setting is for unknown labels (E368), or one of
            training is wrong (E374).
    """

    labels: tuple[str, ...] = ()
    descriptions: Mapping[str, str] = field(default_factory=dict)
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    annotate: str = "ents"
    spans_key: str = "sc"
    nested: bool = False
    multi_label: bool = False
    alignment_mode: str = "expand"
    max_words: int | None = None
    overlap: int = 64
    labels_per_prompt: int | None = None
    training: Mapping[str, Any] = field(default_factory=default_training)

    def __post_init__(self) -> None:
        # Configs and JSON have lists.
        object.__setattr__(self, "labels", tuple(check_labels(self.labels)))
        check_probability("threshold", self.threshold)
        _check_mapping("descriptions", self.descriptions, "texts")
        for label, description in self.descriptions.items():
            check_string(f"descriptions.{label}", description)
        _check_mapping("thresholds", self.thresholds, "numbers")
        for label, threshold in self.thresholds.items():
            check_probability(f"thresholds.{label}", threshold)
        check_choice("annotate", self.annotate, ANNOTATIONS)
        check_string("spans_key", self.spans_key)
        for name in ("nested", "multi_label"):
            value = getattr(self, name)
            check_flag(name, value)
            condition = "false where 'annotate' is \"ents\", since 'doc.ents' can't overlap"
            check_setting(self.annotate == "spans" or not value, name, value, condition)
        check_choice("alignment_mode", self.alignment_mode, ALIGNMENT_MODES)
        if self.max_words is not None:
            check_number("max_words", self.max_words, lambda n: n > 0, "above 0", whole=True)
        check_number("overlap", self.overlap, lambda n: n >= 0, "at least 0", whole=True)
        if self.labels_per_prompt is not None:
            number = self.labels_per_prompt
            check_number("labels_per_prompt", number, lambda n: n > 0, "above 0", whole=True)
        _ = self.learning
        self._check_labels()

    @property
    def learning(self) -> TrainingSettings:
        """The checked section `training`."""
        check_setting(isinstance(self.training, Mapping), "training", self.training, "a section")
        return read_training(self.training)

    def _check_labels(self) -> None:
        for label, description in self.descriptions.items():
            if not description.strip():
                raise ValueError(Errors.E366.format(label=label))
        for name in ("descriptions", "thresholds"):
            unknown = [label for label in getattr(self, name) if label not in self.labels]
            # Without labels, those of the data are taken later.
            if unknown and self.labels:
                names = ", ".join(map(repr, unknown))
                raise ValueError(Errors.E368.format(name=name, labels=names))

    @property
    def gold_key(self) -> str | None:
        """The group in `doc.spans` with the gold annotation; None for `doc.ents`."""
        return None if self.annotate == "ents" else self.spans_key

    @property
    def prompts(self) -> list[str]:
        """What the model reads for each label."""
        return [self.descriptions.get(label, label) for label in self.labels]

    @property
    def label_thresholds(self) -> list[float]:
        """The threshold of each label."""
        return [self.thresholds.get(label, self.threshold) for label in self.labels]


def check_probability(name: str, value: Any) -> None:
    """Check that a threshold is in [0, 1].

    Raises:
        ValueError: It is not (E413).
    """
    check_number(name, value, lambda x: 0 <= x <= 1, "from 0 to 1")


def _check_mapping(name: str, value: Any, content: str) -> None:
    is_mapping = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    check_setting(is_mapping, name, value, f"a section with {content} by label")

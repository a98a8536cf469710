"""Settings of `deberta_zero_shot`."""

from dataclasses import dataclass

from spacy_deberta.errors import check_flag, check_string
from spacy_deberta.layers import N_SPECIAL_TOKENS_PAIR
from spacy_deberta.pipeline.labels import check_labels
from spacy_deberta.pipeline.sequence_classifier.scorer import check_threshold
from spacy_deberta.pipeline.windows import Windows

from .hypothesis_pairs import check_template


@dataclass(frozen=True, kw_only=True)
class ZeroShotSettings:
    """Settings of `deberta_zero_shot`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413, E621, E624, E625).
    """

    labels: tuple[str, ...] = ()
    hypothesis_template: str = "This example is {}."
    multi_label: bool = False
    entailment_label: str | None = None
    contradiction_label: str | None = None
    threshold: float = 0.5
    max_length: int = 512
    overlap: int = 64

    def __post_init__(self) -> None:
        # Configs and JSON have lists.
        object.__setattr__(self, "labels", tuple(check_labels(self.labels)))
        check_template(self.hypothesis_template)
        check_flag("multi_label", self.multi_label)
        check_string("entailment_label", self.entailment_label, optional=True)
        check_string("contradiction_label", self.contradiction_label, optional=True)
        check_threshold(self.threshold)
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """Size and overlap of windows."""
        return Windows.of(self, special_tokens=N_SPECIAL_TOKENS_PAIR)

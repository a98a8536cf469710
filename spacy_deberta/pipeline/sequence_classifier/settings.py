"""Settings of `deberta_sequence_classifier`."""

from dataclasses import dataclass

from spacy_deberta.layers import N_SPECIAL_TOKENS, check_choice
from spacy_deberta.pipeline.windows import Windows

from .problem_types import PROBLEM_TYPES
from .scorer import check_threshold


@dataclass(frozen=True, kw_only=True)
class SequenceClassifierSettings:
    """Settings of `deberta_sequence_classifier`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    problem_type: str | None = None
    threshold: float = 0.5
    max_length: int = 512
    overlap: int = 64

    def __post_init__(self) -> None:
        if self.problem_type is not None:
            check_choice("problem_type", self.problem_type, PROBLEM_TYPES)
        check_threshold(self.threshold)
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """Size and overlap of windows."""
        return Windows.of(self, special_tokens=N_SPECIAL_TOKENS)

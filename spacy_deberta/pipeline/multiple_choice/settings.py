"""Settings of `deberta_multiple_choice`."""

from dataclasses import dataclass

from spacy_deberta.layers import N_SPECIAL_TOKENS_PAIR
from spacy_deberta.pipeline.windows import Windows


@dataclass(frozen=True, kw_only=True)
class MultipleChoiceSettings:
    """Settings of `deberta_multiple_choice`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    max_length: int = 512
    overlap: int = 64

    def __post_init__(self) -> None:
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """Size and overlap of windows."""
        return Windows.of(self, special_tokens=N_SPECIAL_TOKENS_PAIR)

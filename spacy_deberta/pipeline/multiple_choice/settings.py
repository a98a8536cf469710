"""Settings of `deberta_multiple_choice`."""

from dataclasses import dataclass

from spacy_deberta.layers import N_SPECIAL_TOKENS_PAIR
from spacy_deberta.pipeline.windows import Windows


@dataclass(frozen=True, kw_only=True)
class MultipleChoiceSettings:
    """Settings of `deberta_multiple_choice`; its factory says what each of them is for.

    Raises:
        ValueError: A setting is of another type or out of its range (E413).
    """

    max_length: int = 512
    overlap: int = 64

    def __post_init__(self) -> None:
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """How long texts are cut."""
        return Windows(
            max_length=self.max_length,
            overlap=self.overlap,
            special_tokens=N_SPECIAL_TOKENS_PAIR,
        )

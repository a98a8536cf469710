"""Settings of `deberta_fill_mask`."""

from dataclasses import dataclass

from spacy_deberta.errors import check_number
from spacy_deberta.layers import N_SPECIAL_TOKENS
from spacy_deberta.pipeline.windows import Windows


@dataclass(frozen=True, kw_only=True)
class FillMaskSettings:
    """Settings of `deberta_fill_mask`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    top_k: int = 5
    mask_probability: float = 0.15
    max_length: int = 512
    overlap: int = 128

    def __post_init__(self) -> None:
        check_number("top_k", self.top_k, lambda n: n > 0, "above 0", whole=True)
        check_number(
            "mask_probability",
            self.mask_probability,
            lambda x: 0 < x <= 1,
            "above 0 and at most 1",
        )
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """Size and overlap of windows."""
        return Windows.of(self, special_tokens=N_SPECIAL_TOKENS)

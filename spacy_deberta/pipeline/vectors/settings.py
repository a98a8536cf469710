"""Settings of `deberta_vectors`."""

from dataclasses import dataclass

from spacy_deberta.errors import check_flag
from spacy_deberta.layers import check_choice

LOSSES = ("cosine", "in_batch")


@dataclass(frozen=True, kw_only=True)
class VectorSettings:
    """Settings of `deberta_vectors`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    normalize: bool = False
    store_tokens: bool = False
    loss: str = "cosine"

    def __post_init__(self) -> None:
        check_flag("normalize", self.normalize)
        check_flag("store_tokens", self.store_tokens)
        check_choice("loss", self.loss, LOSSES)

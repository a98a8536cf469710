"""Settings of `deberta_token_classifier`."""

from dataclasses import dataclass, field

from spacy_deberta.errors import check_flag, check_string
from spacy_deberta.layers import N_SPECIAL_TOKENS, check_choice, check_setting
from spacy_deberta.pipeline.windows import Windows

from .token_spans import ALIGNMENT_MODES
from .units import AGGREGATION_STRATEGIES

ANNOTATIONS = ("ents", "spans", "tag")


@dataclass(frozen=True, kw_only=True)
class TokenClassifierSettings:
    """Settings of `deberta_token_classifier`, most of which are documented at its factory.

    Attributes:
        only_first_pieces_trained: Whether only the first piece of each token was trained, so that
            the outputs of other pieces are meaningless. Set by training, not by configs.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    annotate: str = "ents"
    spans_key: str = "sc"
    aggregation_strategy: str = "first"
    alignment_mode: str = "expand"
    max_length: int = 512
    overlap: int = 64
    only_first_pieces_trained: bool = field(default=False, metadata={"saved_only": True})

    def __post_init__(self) -> None:
        check_choice("annotate", self.annotate, ANNOTATIONS)
        check_string("spans_key", self.spans_key)
        check_choice("aggregation_strategy", self.aggregation_strategy, AGGREGATION_STRATEGIES)
        check_setting(
            self.annotate != "tag" or self.aggregation_strategy != "simple",
            "aggregation_strategy",
            "'simple'",
            "one of: first, average, max, where tokens are tagged",
        )
        check_choice("alignment_mode", self.alignment_mode, ALIGNMENT_MODES)
        check_flag("only_first_pieces_trained", self.only_first_pieces_trained)
        _ = self.windows

    @property
    def windows(self) -> Windows:
        """Size and overlap of windows."""
        return Windows.of(self, special_tokens=N_SPECIAL_TOKENS)

"""Settings of `deberta_question_answering`."""

from dataclasses import dataclass

from spacy_deberta.errors import check_flag, check_number
from spacy_deberta.layers import N_SPECIAL_TOKENS_PAIR
from spacy_deberta.pipeline.windows import Windows


@dataclass(frozen=True, kw_only=True)
class AnswerSettings:
    """The settings for choosing answers.

    Attributes:
        n_best: Number of answers.
        no_answer: Whether "", for a text without an answer, can be one of them.
        max_answer_length: Maximum number of pieces of an answer.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    n_best: int
    no_answer: bool
    max_answer_length: int

    def __post_init__(self) -> None:
        for name in ("n_best", "max_answer_length"):
            check_number(name, getattr(self, name), lambda n: n >= 1, "at least 1", whole=True)
        check_flag("no_answer", self.no_answer)


@dataclass(frozen=True, kw_only=True)
class QuestionAnsweringSettings:
    """Settings of `deberta_question_answering`, documented at its factory.

    Raises:
        ValueError: A setting has the wrong type or is out of range (E413).
    """

    n_best: int = 1
    no_answer: bool = False
    max_answer_length: int = 15
    max_length: int = 384
    overlap: int = 128

    def __post_init__(self) -> None:
        _ = self.answers, self.windows

    @property
    def answers(self) -> AnswerSettings:
        """The settings for choosing answers."""
        return AnswerSettings(
            n_best=self.n_best,
            no_answer=self.no_answer,
            max_answer_length=self.max_answer_length,
        )

    @property
    def windows(self) -> Windows:
        """Size and overlap of windows."""
        return Windows.of(self, special_tokens=N_SPECIAL_TOKENS_PAIR)

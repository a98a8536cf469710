"""Readers of training data in common formats, and the extension attributes that they set."""

from .choices import (
    Chosen,
    check_choices,
    copy_choices,
    get_choices,
    get_right_choice,
)
from .multiple_choice import multiple_choice_corpus_v1
from .questions import (
    GivenAnswer,
    GoldAnswer,
    Question,
    copy_questions,
    get_questions,
    set_questions,
)
from .squad import squad_corpus_v1

__all__ = [
    "Chosen",
    "GivenAnswer",
    "GoldAnswer",
    "Question",
    "check_choices",
    "copy_choices",
    "copy_questions",
    "get_choices",
    "get_questions",
    "get_right_choice",
    "multiple_choice_corpus_v1",
    "set_questions",
    "squad_corpus_v1",
]

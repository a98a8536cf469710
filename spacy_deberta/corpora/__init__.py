"""Readers of training data in the formats that people have, and what they set on documents."""

from .choices import (
    Chosen,
    check_choices,
    choose_from_the_same,
    get_choices,
    get_right_choice,
)
from .multiple_choice import multiple_choice_corpus_v1
from .questions import (
    GivenAnswer,
    GoldAnswer,
    Question,
    ask_the_same,
    get_questions,
    set_questions,
)
from .squad import squad_corpus_v1

__all__ = [
    "Chosen",
    "GivenAnswer",
    "GoldAnswer",
    "Question",
    "ask_the_same",
    "check_choices",
    "choose_from_the_same",
    "get_choices",
    "get_questions",
    "get_right_choice",
    "multiple_choice_corpus_v1",
    "set_questions",
    "squad_corpus_v1",
]

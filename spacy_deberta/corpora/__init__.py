"""Readers of training data in common formats, and the extension attributes that they set."""

from .annotated_docs import AlignmentMode, Problem, make_doc
from .annotated_rows import read_rows
from .annotated_texts import AnnotatedText, Fields, read_annotations
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
from .text_pairs import TextPair, get_text_pair, text_pair_corpus_v1

__all__ = [
    "AlignmentMode",
    "AnnotatedText",
    "Chosen",
    "Fields",
    "GivenAnswer",
    "GoldAnswer",
    "Problem",
    "Question",
    "TextPair",
    "check_choices",
    "copy_choices",
    "copy_questions",
    "get_choices",
    "get_questions",
    "get_right_choice",
    "get_text_pair",
    "make_doc",
    "multiple_choice_corpus_v1",
    "read_annotations",
    "read_rows",
    "set_questions",
    "squad_corpus_v1",
    "text_pair_corpus_v1",
]

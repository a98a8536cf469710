"""The factory `deberta_question_answering` and its component."""

from .component import QuestionAnswering, make_question_answering

__all__ = ["QuestionAnswering", "make_question_answering"]

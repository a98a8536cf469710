"""The factory `deberta_question_answering`: its component, and what only that needs."""

from .component import QuestionAnswering, make_question_answering

__all__ = ["QuestionAnswering", "make_question_answering"]

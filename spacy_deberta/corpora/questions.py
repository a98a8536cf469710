"""The extension attributes of question answering: `questions` with gold answers, and `answers`.

All are plain values, so that they are serialized with `doc.user_data`. Readers and components both
use them; they are defined here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from spacy.tokens import Doc

from spacy_deberta.errors import Errors


class GoldAnswer(TypedDict):
    """A gold answer: a character span of the text.

    text: The answer.
    start: Offset of its first character.
    """

    text: str
    start: int


class Question(TypedDict):
    """A question about a document.

    id: An id that is unique within the document.
    question: The question.
    answers: The right answers; empty if the text does not answer it, or if they are not known.
    """

    id: str
    question: str
    answers: list[GoldAnswer]


class GivenAnswer(TypedDict):
    """An answer of a model.

    text: The answer, "" if the text does not answer the question.
    start: Offset of its first character.
    end: Offset after its last character.
    score: From 0 to 1.
    """

    text: str
    start: int
    end: int
    score: float


for _extension in ("questions", "answers"):
    if not Doc.has_extension(_extension):
        Doc.set_extension(_extension, default=None)


def set_questions(doc: Doc, questions: Iterable[Mapping[str, Any]]) -> None:
    """Set `doc._.questions`.

    Args:
        doc: The document.
        questions: Dictionaries as in `Question`. "answers" is optional.

    Raises:
        ValueError: Values are missing or of another type, two questions have the same id, or an
            answer is not at its offset (E642).
    """
    checked = [_check(doc, question) for question in questions]
    ids = [question["id"] for question in checked]
    if len(set(ids)) < len(ids):
        name = next(name for name in ids if ids.count(name) > 1)
        raise ValueError(Errors.E642.format(question=name, reason="another one has the same id"))
    doc._.questions = checked


def get_questions(doc: Doc) -> list[Question]:
    """Read `doc._.questions`.

    Args:
        doc: The document.

    Returns:
        The questions as lists (`DocBin` turns them into tuples), empty if there are none.

    Raises:
        ValueError: The attribute is invalid; see `set_questions` (E642).
    """
    return [_check(doc, question) for question in doc._.questions or ()]


def copy_questions(doc: Doc, other: Doc) -> None:
    """Copy the questions of another document, without the answers.

    Args:
        doc: The document; it keeps its own questions if it has any.
        other: The document with the questions, of the same text.
    """
    questions = get_questions(other)
    if questions and not doc._.questions:
        set_questions(doc, [{**question, "answers": []} for question in questions])


def _check(doc: Doc, question: Any) -> Question:
    if not isinstance(question, Mapping):
        reason = "it is no dictionary with 'id', 'question' and 'answers'"
        raise ValueError(Errors.E642.format(question=question, reason=reason))
    name = question.get("id")
    for key in ("id", "question"):
        if not isinstance(question.get(key), str):
            reason = f"'{key}' is missing or no string"
            raise ValueError(Errors.E642.format(question=name, reason=reason))
    answers: list[GoldAnswer] = []
    for answer in question.get("answers") or ():
        good = isinstance(answer, Mapping)
        text, start = (answer.get("text"), answer.get("start")) if good else (None, None)
        if not isinstance(text, str) or not isinstance(start, int):
            reason = f"{answer!r} is no dictionary with 'text' and 'start'"
            raise ValueError(Errors.E642.format(question=name, reason=reason))
        if not is_at(doc.text, text, start):
            reason = f"its answer '{text}' does not stand at character {start} of the text"
            raise ValueError(Errors.E642.format(question=name, reason=reason))
        answers.append({"text": text, "start": start})
    return {"id": question["id"], "question": question["question"], "answers": answers}


def is_at(text: str, answer: str, start: int) -> bool:
    """Whether an answer is not empty and is at an offset of a text."""
    return bool(answer) and start >= 0 and text.startswith(answer, start)

"""Questions about a document, the answers that its annotators gave, and those that a model gives.

All are plain values, so that they go wherever `doc.user_data` goes. Readers and components both use
them; this file is where they are defined.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from spacy.tokens import Doc

from spacy_deberta.errors import Errors


class GoldAnswer(TypedDict):
    """An answer that stands in the text.

    text: The answer.
    start: Its first character in the text.
    """

    text: str
    start: int


class Question(TypedDict):
    """A question about a document.

    id: What it is called; no other question of the document has the same.
    question: The question.
    answers: The right answers, none if the text does not answer it or if they are not known.
    """

    id: str
    question: str
    answers: list[GoldAnswer]


class GivenAnswer(TypedDict):
    """An answer of a model.

    text: The answer, "" if the text does not answer the question.
    start: Its first character in the text.
    end: The character after its last.
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
        questions: What `Question` describes. "answers" can be left out.

    Raises:
        ValueError: Values are missing or of another type, two questions have the same id, or an
            answer does not stand where it says (E642).
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
        The questions, an empty list if there are none. Lists are lists again, which `DocBin` gives
        back as tuples.

    Raises:
        ValueError: Somebody set what `set_questions` refuses (E642).
    """
    return [_check(doc, question) for question in doc._.questions or ()]


def ask_the_same(doc: Doc, other: Doc) -> None:
    """Give a document the questions of another one, without the answers.

    Args:
        doc: The document; if it has questions it keeps them.
        other: The one with the questions, of the same text.
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
        if not stands_at(doc.text, text, start):
            reason = f"its answer '{text}' does not stand at character {start} of the text"
            raise ValueError(Errors.E642.format(question=name, reason=reason))
        answers.append({"text": text, "start": start})
    return {"id": question["id"], "question": question["question"], "answers": answers}


def stands_at(text: str, answer: str, start: int) -> bool:
    """Whether an answer, which is not empty, stands at a place in a text."""
    return bool(answer) and start >= 0 and text.startswith(answer, start)

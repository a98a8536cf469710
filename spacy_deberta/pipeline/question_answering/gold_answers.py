"""Where the right answers are: what `deberta_question_answering` is trained on."""

from collections.abc import Sequence

import numpy as np
from spacy.training import Example
from thinc.api import Model

from spacy_deberta.arrays import Ints
from spacy_deberta.corpora import Question, get_questions
from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.layers import answer_loss
from spacy_deberta.pipeline.head_pipe import TrainingBatch
from spacy_deberta.pipeline.windows import Windows

from .question_windows import QuestionWindows, make_windows

# How many ids a warning names.
NAMED = 5


def gold_batch(
    model: Model,
    examples: Sequence[Example],
    *,
    no_answer: bool,
    cutting: Windows,
    component: str,
) -> TrainingBatch | None:
    """Make the sequences of an update.

    The first of several right answers is learned. A window without it learns that it has none, by
    `[CLS]`, as all windows of a question without answer do.

    Args:
        model: Made by `deberta_with_head`.
        examples: Their gold documents have the questions.
        no_answer: Whether questions may have no answer.
        cutting: How texts are cut that are too long beside a question.
        component: The name of the component, for messages.

    Returns:
        Sequences and loss, or None if there are no questions to learn from. Questions whose answer
        is whole in no window are counted by a warning (W611) and left out.

    Raises:
        ValueError: A question has no answer though it must have one (E641), or is malformed (E642).
    """
    docs = [example.reference for example in examples]
    of_docs = [get_questions(doc) for doc in docs]
    questions = [question for of_doc in of_docs for question in of_doc]
    if not questions:
        return None
    for question in questions:
        if not question["answers"] and not no_answer:
            raise ValueError(Errors.E641.format(question=question["id"], component=component))
    text_of_question = np.repeat(np.arange(len(docs)), [len(of_doc) for of_doc in of_docs])
    windows = make_windows(
        model,
        [doc.text for doc in docs],
        [question["question"] for question in questions],
        text_of_question,
        cutting=cutting,
        component=component,
    )
    first, last = find_answers(windows, questions, text_of_question)
    held = _holds(windows, first, last)
    has_answer = np.array([bool(question["answers"]) for question in questions])
    is_held = np.bincount(windows.asked[held], minlength=len(questions)) > 0
    lost = has_answer & ~is_held
    if lost.any():
        names = [questions[index]["id"] for index in np.flatnonzero(lost)[:NAMED]]
        warn(
            Warnings.W611.format(
                count=int(lost.sum()),
                total=len(questions),
                component=component,
                names=", ".join(names) + (", …" if int(lost.sum()) > NAMED else ""),
            )
        )
    windows = windows.take(np.flatnonzero(~lost[windows.asked]))
    if not len(windows.asked):
        return None
    joined = windows.join(model)
    assert joined.second is not None
    # From pieces of all texts to places in the sequence; [CLS] is at 0.
    shift = joined.second - joined.sequences.cu_rows[:-1] - windows.windows.starts
    held = _holds(windows, first, last)
    return TrainingBatch(
        joined.sequences,
        answer_loss(
            joined.sequences,
            np.where(held, first[windows.asked] + shift, 0),
            np.where(held, last[windows.asked] + shift, 0),
        ),
    )


def find_answers(
    windows: QuestionWindows, questions: Sequence[Question], text_of_question: Ints
) -> tuple[Ints, Ints]:
    """Find the pieces of the first right answer to each question.

    Args:
        windows: Made of the questions.
        questions: The questions.
        text_of_question: The text that each is about, `(questions,)`.

    Returns:
        The first and the last piece that share a character with the answer, as places among the
        pieces of all texts, both `(questions,)`; -1 and -2 where there is none.
    """
    first = np.full(len(questions), -1, dtype=np.int64)
    last = np.full(len(questions), -2, dtype=np.int64)
    # A piece that is only a space has no character to share.
    rows = np.flatnonzero(windows.ends > windows.starts)
    bounds = np.searchsorted(rows, windows.cu_pieces)
    for index, (question, text) in enumerate(zip(questions, text_of_question, strict=True)):
        if not question["answers"]:
            continue
        answer = question["answers"][0]
        of_text = rows[bounds[text] : bounds[text + 1]]
        begin = answer["start"]
        end = begin + len(answer["text"])
        from_here = np.searchsorted(windows.ends[of_text], begin, side="right")
        to_here = np.searchsorted(windows.starts[of_text], end, side="left")
        if from_here < to_here:
            first[index], last[index] = of_text[from_here], of_text[to_here - 1]
    return first, last


def _holds(windows: QuestionWindows, first: Ints, last: Ints) -> np.ndarray:
    """Whether each window holds the whole answer, `(windows,)`."""
    starts = windows.windows.starts
    first, last = first[windows.asked], last[windows.asked]
    return (first >= starts) & (last >= first) & (last < starts + windows.windows.lengths)

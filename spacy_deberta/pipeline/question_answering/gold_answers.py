"""Training batches of `deberta_question_answering`: sequences with their gold answers."""

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

# Maximum number of ids in a warning.
MAX_IDS_SHOWN = 5


def gold_batch(
    model: Model,
    examples: Sequence[Example],
    *,
    no_answer: bool,
    windows: Windows,
    component: str,
) -> TrainingBatch | None:
    """Make the sequences and the loss of an update.

    The target is the first of several right answers. In windows without it, and in all windows of a
    question without answer, the target is `[CLS]`.

    Args:
        model: A model of `deberta_with_head`.
        examples: Examples with questions in their gold documents.
        no_answer: Whether questions may have no answer.
        windows: The windows of texts that are too long beside a question.
        component: Name of the component, for messages.

    Returns:
        Sequences and loss, or None if there are no questions. Questions whose answer is not
        contained in any window are left out with a warning (W611).

    Raises:
        ValueError: A question has no answer though it must have one (E641), or is invalid (E642).
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
    paired = make_windows(
        model,
        [doc.text for doc in docs],
        [question["question"] for question in questions],
        text_of_question,
        windows=windows,
        component=component,
    )
    first, last = find_answers(paired, questions, text_of_question)
    contained = _contain_answer(paired, first, last)
    has_answer = np.array([bool(question["answers"]) for question in questions])
    is_contained = np.bincount(paired.question_of_window[contained], minlength=len(questions)) > 0
    lost = has_answer & ~is_contained
    if lost.any():
        names = [questions[index]["id"] for index in np.flatnonzero(lost)[:MAX_IDS_SHOWN]]
        warn(
            Warnings.W611.format(
                count=int(lost.sum()),
                total=len(questions),
                component=component,
                names=", ".join(names) + (", …" if int(lost.sum()) > MAX_IDS_SHOWN else ""),
            )
        )
    paired = paired.take(np.flatnonzero(~lost[paired.question_of_window]))
    if not len(paired.question_of_window):
        return None
    joined = paired.join(model)
    assert joined.second is not None
    # From indices of all pieces to positions in the sequence; [CLS] is at 0.
    shift = joined.second - joined.sequences.cu_rows[:-1] - paired.windows.starts
    contained = _contain_answer(paired, first, last)
    return TrainingBatch(
        joined.sequences,
        answer_loss(
            joined.sequences,
            np.where(contained, first[paired.question_of_window] + shift, 0),
            np.where(contained, last[paired.question_of_window] + shift, 0),
        ),
    )


def find_answers(
    windows: QuestionWindows, questions: Sequence[Question], text_of_question: Ints
) -> tuple[Ints, Ints]:
    """Find the pieces of the first right answer to each question.

    Args:
        windows: The windows of the questions.
        questions: The questions.
        text_of_question: Index of the text of each question, `(questions,)`.

    Returns:
        The first and the last piece that share a character with the answer, as indices into the
        pieces of all texts, both `(questions,)`; -1 and -2 where there is none.
    """
    first = np.full(len(questions), -1, dtype=np.int64)
    last = np.full(len(questions), -2, dtype=np.int64)
    # Whitespace pieces are skipped: they have no characters.
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


def _contain_answer(windows: QuestionWindows, first: Ints, last: Ints) -> np.ndarray:
    """Whether each window contains the whole answer, `(windows,)`."""
    starts = windows.windows.starts
    first, last = first[windows.question_of_window], last[windows.question_of_window]
    return (first >= starts) & (last >= first) & (last < starts + windows.windows.lengths)

"""Windows of texts, paired with questions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import shorten

import numpy as np
from thinc.api import Model

from spacy_deberta.arrays import Ints
from spacy_deberta.errors import Errors
from spacy_deberta.layers import (
    JoinedSequences,
    PieceRanges,
    encode_texts,
    get_tokenizer,
    join_sequences,
)
from spacy_deberta.pipeline.windows import Windows

SHOWN_LENGTH = 80  # of a question in a message


@dataclass(frozen=True, eq=False)
class QuestionWindows:
    """Windows of texts, each with a question.

    Attributes:
        questions: The question of each window, `(windows,)`.
        windows: The windows, `(windows,)`.
        question_of_window: Index of the question of each window, ascending, `(windows,)`.
        starts: Start offset of every piece of the texts, `(pieces,)`.
        ends: End offset of every piece, `(pieces,)`.
        cu_pieces: Text `i` has the pieces `cu_pieces[i]:cu_pieces[i + 1]`.
    """

    questions: PieceRanges
    windows: PieceRanges
    question_of_window: Ints
    starts: Ints
    ends: Ints
    cu_pieces: Ints

    def take(self, chosen: Ints) -> "QuestionWindows":
        """Select windows by index."""
        return replace(
            self,
            questions=self.questions.take(chosen),
            windows=self.windows.take(chosen),
            question_of_window=self.question_of_window[chosen],
        )

    def join(self, model: Model) -> JoinedSequences:
        """The sequences `[CLS] question [SEP] window [SEP]`."""
        return join_sequences(get_tokenizer(model), self.questions, self.windows)


def make_windows(
    model: Model,
    texts: Sequence[str],
    questions: Sequence[str],
    text_of_question: Ints,
    *,
    windows: Windows,
    component: str,
) -> QuestionWindows:
    """Split texts into windows with room for a question; every string is tokenized once.

    Args:
        model: A model of `deberta_with_head`.
        texts: The texts.
        questions: The questions, at least one.
        text_of_question: Index of the text of each question, `(questions,)`.
        windows: The windows of texts that are too long beside a question.
        component: Name of the component, for messages.

    Returns:
        The windows in the order of the questions, at least one for each.

    Raises:
        ValueError: A question leaves no room for the text (E640), or is not a string (E647).
    """
    for question in questions:
        if not isinstance(question, str):
            raise ValueError(Errors.E647.format(question=question))
    different = {question: index for index, question in enumerate(dict.fromkeys(questions))}
    asked = encode_texts(get_tokenizer(model), list(different)).take(
        np.array([different[question] for question in questions], dtype=np.int64)
    )
    max_pieces = windows.max_pieces - asked.lengths
    if int(max_pieces.min()) < 1:
        longest = int(max_pieces.argmin())
        raise ValueError(
            Errors.E640.format(
                question=shorten(questions[longest], SHOWN_LENGTH, placeholder="…"),
                length=int(asked.lengths[longest]),
                max_length=windows.max_length,
                special=windows.special_tokens,
                component=component,
            )
        )
    pieces = get_tokenizer(model).encode_batch(list(texts))
    ranges, question_of_window = (
        PieceRanges.whole(pieces)
        .take(text_of_question)
        .split(window=max_pieces, overlap=windows.overlap)
    )
    return QuestionWindows(
        questions=asked.take(question_of_window),
        windows=ranges,
        question_of_window=question_of_window,
        starts=pieces.starts,
        ends=pieces.ends,
        cu_pieces=pieces.cu_pieces,
    )

"""The factory `deberta_question_answering`: questions → answers in the text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model
from thinc.util import to_numpy

from spacy_deberta.arrays import Array
from spacy_deberta.corpora import copy_questions, get_questions
from spacy_deberta.errors import Errors, check_list
from spacy_deberta.layers import Sequences
from spacy_deberta.pipeline.documents import check_docs
from spacy_deberta.pipeline.head_pipe import HeadPipe, TrainingBatch
from spacy_deberta.pipeline.settings import default_config

from .answers import Answer, Candidates, choose_answers, score_candidates
from .gold_answers import gold_batch
from .question_windows import make_windows
from .settings import QuestionAnsweringSettings


@Language.factory(
    "deberta_question_answering",
    assigns=["doc._.answers"],
    default_config=default_config(
        QuestionAnsweringSettings(),
        head="question_answering",
        scorer="spacy-deberta.question_answering_scorer.v1",
    ),
    default_score_weights={"qa_f1": 1.0, "qa_exact": None, "qa_no_answer": None},
)
def make_question_answering(
    nlp: Language,
    name: str,
    model: Model[Sequences, Array],
    n_best: int,
    no_answer: bool,
    max_answer_length: int,
    max_length: int,
    overlap: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "QuestionAnswering":
    """Construct a component that finds answers in texts with a fine-tuned checkpoint.

    model (Model[Sequences, Array]): `spacy-deberta.DebertaV2WithHead.v1` with the head
        "question_answering".
    n_best (int): Number of answers to a question.
    no_answer (bool): Whether "", for a text without an answer, can be one of the answers.
    max_answer_length (int): Maximum number of pieces of an answer.
    max_length (int): Maximum number of pieces of a sequence, question and special tokens included.
        Longer texts are split into windows.
    overlap (int): Minimum number of pieces that neighbouring windows share.
    scorer (Callable[..., dict[str, Any]] | None): The scoring method.
    RETURNS (QuestionAnswering): The component.
    """
    return QuestionAnswering(
        nlp.vocab,
        model,
        name,
        n_best=n_best,
        no_answer=no_answer,
        max_answer_length=max_answer_length,
        max_length=max_length,
        overlap=overlap,
        scorer=scorer,
    )


class QuestionAnswering(HeadPipe[QuestionAnsweringSettings]):
    """Answer questions with character spans of the text (extractive question answering).

    DOCS: docs/api/question_answering.md
    """

    factory = "deberta_question_answering"
    head = "question_answering"
    settings_class = QuestionAnsweringSettings
    doc_method = "answer"
    wanted = (
        "a checkpoint that was fine-tuned to answer questions, such as "
        "'deepset/deberta-v3-base-squad2'"
    )

    def answer(
        self,
        doc: Doc,
        question: str | list[str],
        *,
        n_best: int | None = None,
        no_answer: bool | None = None,
        max_answer_length: int | None = None,
    ) -> list[Answer] | list[list[Answer]]:
        """Answer one or several questions about a document. Also `doc._.answer(question)`.

        doc (Doc): The document.
        question (str | list[str]): The question, or a list of questions.
        n_best (int | None): Number of answers; None for the setting of the component, as in the
            following arguments.
        no_answer (bool | None): Whether "", for a text without an answer, can be one of the
            answers.
        max_answer_length (int | None): Maximum number of pieces of an answer.
        RETURNS (list[Answer] | list[list[Answer]]): The answers, best first; for a list of
            questions a list of such lists.
        """
        questions = question if isinstance(question, list) else [question]
        (answers,) = self.answer_all(
            [doc],
            [questions],
            n_best=n_best,
            no_answer=no_answer,
            max_answer_length=max_answer_length,
        )
        return answers[0] if isinstance(question, str) else answers

    def answer_all(
        self,
        docs: Sequence[Doc],
        questions: Sequence[Sequence[str]],
        *,
        n_best: int | None = None,
        no_answer: bool | None = None,
        max_answer_length: int | None = None,
    ) -> list[list[list[Answer]]]:
        """Answer questions about several documents in shared batches.

        docs (Sequence[Doc]): The documents.
        questions (Sequence[Sequence[str]]): The questions about each of them.
        n_best (int | None): Number of answers; None for the setting of the component, as in the
            following arguments.
        no_answer (bool | None): Whether "", for a text without an answer, can be one of the
            answers.
        max_answer_length (int | None): Maximum number of pieces of an answer.
        RETURNS (list[list[list[Answer]]]): For each document and each of its questions the
            answers, best first.
        """
        docs = check_docs(docs, component=self.name)
        given: dict[str, Any] = {
            "n_best": n_best,
            "no_answer": no_answer,
            "max_answer_length": max_answer_length,
        }
        settings = replace(
            self.settings.answers, **{k: v for k, v in given.items() if v is not None}
        )
        questions = [check_list("questions", asked) for asked in check_list("questions", questions)]
        if len(questions) != len(docs):
            raise ValueError(Errors.E628.format(docs=len(docs), questions=len(questions)))
        asked = [question for of_doc in questions for question in of_doc]
        owners = [doc for doc, of_doc in zip(docs, questions, strict=True) for _ in of_doc]
        windows = self._read(docs, questions, settings.max_answer_length) if asked else []
        answers = iter(
            choose_answers(doc, candidates, n_best=settings.n_best, no_answer=settings.no_answer)
            for doc, candidates in zip(owners, windows, strict=True)
        )
        return [[next(answers) for _ in of_doc] for of_doc in questions]

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score a batch of examples.

        spaCy's own readers make predicted documents of the text only. A predicted document without
        questions gets those of the gold document.

        examples (Iterable[Example]): The examples.
        kwargs (Any): Settings of the scorer.
        RETURNS (dict[str, Any]): The scores.
        """
        examples = list(examples)
        unasked = [example for example in examples if not example.predicted._.questions]
        for example in unasked:
            copy_questions(example.predicted, example.reference)
        docs = [example.predicted for example in unasked if example.predicted._.questions]
        self.set_annotations(docs, self.predict(docs))
        return super().score(examples, **kwargs)

    def predict(self, docs: Iterable[Doc]) -> list[dict[str, list[Answer]]]:
        """Answer the questions in `doc._.questions`.

        docs (Iterable[Doc]): The documents.
        RETURNS (list[dict[str, list[Answer]]]): For each document the answers by the ids of the
            questions, best first.
        """
        docs = check_docs(docs, component=self.name)
        questions = [get_questions(doc) for doc in docs]
        answers = self.answer_all(docs, [[q["question"] for q in of_doc] for of_doc in questions])
        return [
            dict(zip([q["id"] for q in of_doc], given, strict=True))
            for of_doc, given in zip(questions, answers, strict=True)
        ]

    def set_annotations(self, docs: Sequence[Doc], answers: list[dict[str, list[Answer]]]) -> None:
        """Set `doc._.answers` of documents with questions, as plain values.

        docs (Sequence[Doc]): The documents.
        answers (list[dict[str, list[Answer]]]): From `predict`.
        """
        docs = check_docs(docs, component=self.name)
        for doc, of_doc in zip(docs, answers, strict=True):
            if of_doc:
                doc._.answers = {
                    name: [answer.to_dict() for answer in given] for name, given in of_doc.items()
                }

    def has_gold(self, examples: Iterable[Example]) -> bool:
        """Whether there are questions."""
        return any(example.reference._.questions for example in examples)

    def training_batch(self, examples: Sequence[Example]) -> TrainingBatch | None:
        """Make a sequence for each question and window, and the loss of its start and end."""
        return gold_batch(
            self.model,
            examples,
            no_answer=self.settings.no_answer,
            windows=self.settings.windows,
            component=self.name,
        )

    def _read(
        self, docs: Sequence[Doc], questions: Sequence[Sequence[str]], max_answer_length: int
    ) -> list[list[Candidates]]:
        """The candidates of each window of each question."""
        texts = [doc.text for doc, of_doc in zip(docs, questions, strict=True) if of_doc]
        counts = [len(of_doc) for of_doc in questions if of_doc]
        windows = make_windows(
            self.model,
            texts,
            [question for of_doc in questions for question in of_doc],
            np.repeat(np.arange(len(texts)), counts),
            windows=self.settings.windows,
            component=self.name,
        )
        joined = windows.join(self.model)
        logits = to_numpy(self.model.predict(joined.sequences))
        assert joined.second is not None
        places = zip(
            windows.question_of_window.tolist(),
            joined.sequences.cu_rows[:-1].tolist(),
            joined.second.tolist(),
            windows.windows.starts.tolist(),
            windows.windows.lengths.tolist(),
            strict=True,
        )
        return [
            [
                score_candidates(
                    np.concatenate([logits[cls : cls + 1], logits[row : row + length]]),
                    windows.starts[start : start + length],
                    windows.ends[start : start + length],
                    max_answer_length=max_answer_length,
                )
                for _, cls, row, start, length in group
            ]
            for _, group in groupby(places, key=lambda place: place[0])
        ]

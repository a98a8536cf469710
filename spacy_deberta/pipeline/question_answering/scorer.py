"""Scores of `deberta_question_answering`: the metrics of SQuAD."""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.training import Example

from spacy_deberta.corpora import get_questions

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def make_question_answering_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer `spacy-deberta.question_answering_scorer.v1`.

    RETURNS (Callable[..., dict[str, Any]]): The scoring method.

    DOCS: docs/api/question_answering.md#question_answering_scorer
    """
    return score_answers


def score_answers(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score `doc._.answers` by the questions of the gold documents.

    Args:
        examples: Predicted and gold documents.
        kwargs: Settings of the component, not used.

    Returns:
        `qa_exact`, the share of questions whose best answer is right; `qa_f1`, the mean overlap of
        their words; `qa_no_answer`, the share of questions without answer that get none. All from 0
        to 1; None if there are no such questions.
    """
    exact, overlap, refused = [], [], []
    for example in examples:
        given = example.predicted._.answers or {}
        for question in get_questions(example.reference):
            best = next(iter(given.get(question["id"]) or ()), None)
            text = "" if best is None else best["text"]
            gold = [answer["text"] for answer in question["answers"]]
            gold = [answer for answer in gold if normalize_answer(answer)] or [""]
            exact.append(max(exact_match(text, answer) for answer in gold))
            overlap.append(max(word_f1(text, answer) for answer in gold))
            if gold == [""]:
                refused.append(exact[-1])
    return {
        "qa_exact": _mean(exact),
        "qa_f1": _mean(overlap),
        "qa_no_answer": _mean(refused),
    }


def normalize_answer(text: str) -> str:
    """Normalize case, punctuation, articles and white space as SQuAD does.

    Args:
        text: An answer.

    Returns:
        The normalized answer.

    Source:
        The evaluation of SQuAD 2.0.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(given: str, gold: str) -> float:
    """Whether two normalized answers are equal, as 0 or 1."""
    return float(normalize_answer(given) == normalize_answer(gold))


def word_f1(given: str, gold: str) -> float:
    """Harmonic mean of precision and recall of the words of an answer, from 0 to 1."""
    words, gold_words = normalize_answer(given).split(), normalize_answer(gold).split()
    if not words or not gold_words:
        return float(words == gold_words)
    shared = (Counter(words) & Counter(gold_words)).total()
    return 2 * shared / (len(words) + len(gold_words))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None

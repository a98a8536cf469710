"""Scores of `deberta_sequence_classifier`."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example


def make_sequence_classifier_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer `spacy-deberta.sequence_classifier_scorer.v1`.

    RETURNS (Callable[..., dict[str, Any]]): The scoring method.

    DOCS: docs/api/sequence_classifier.md#sequence_classifier_scorer
    """
    return score_sequences


def score_sequences(
    examples: Iterable[Example],
    *,
    labels: Iterable[str],
    problem_type: str,
    threshold: float = 0.5,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score `doc.cats`.

    Args:
        examples: Predicted and gold documents.
        labels: The labels of the component.
        problem_type: Its problem type.
        threshold: From which score on a label counts when several can.
        kwargs: Further settings of the component.

    Returns:
        The scores of spaCy's text categorizers; for a regression the mean squared error
        (`cats_mse`), and Pearson's correlation, averaged over the labels, as `cats_score`.
    """
    labels = list(labels)
    examples = [example for example in examples if example.reference.cats]
    if problem_type == "regression":
        return _score_regression(examples, labels)
    multi_label = problem_type == "multi_label_classification"
    return Scorer.score_cats(
        examples,
        "cats",
        labels=labels,
        multi_label=multi_label,
        threshold=threshold if multi_label else None,
    )


def _score_regression(examples: list[Example], labels: list[str]) -> dict[str, Any]:
    if not examples:
        return {"cats_score": None, "cats_mse": None}
    gold = _values([example.reference for example in examples], labels)
    predicted = _values([example.predicted for example in examples], labels)
    correlations = [_pearson(*pair) for pair in zip(gold.T, predicted.T, strict=True)]
    return {
        "cats_score": float(np.mean(correlations)),
        "cats_score_desc": "Pearson's correlation",
        "cats_mse": float(np.mean((gold - predicted) ** 2)),
    }


def _values(docs: list[Doc], labels: list[str]) -> np.ndarray:
    return np.array([[doc.cats.get(label, 0.0) for label in labels] for doc in docs])


def _pearson(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation, and 0 where one of the two does not vary."""
    if gold.std() == 0 or predicted.std() == 0:
        return 0.0
    return float(np.corrcoef(gold, predicted)[0, 1])

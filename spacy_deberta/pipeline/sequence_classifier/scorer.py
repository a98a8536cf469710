"""Scores of `deberta_sequence_classifier` and `deberta_zero_shot`."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from spacy.scorer import Scorer
from spacy.training import Example

from spacy_deberta.errors import check_number

SCORE_WEIGHTS: dict[str, float | None] = {
    "cats_score": 1.0,
    "cats_score_desc": None,
    "cats_micro_p": None,
    "cats_micro_r": None,
    "cats_micro_f": None,
    "cats_macro_p": None,
    "cats_macro_r": None,
    "cats_macro_f": None,
    "cats_macro_auc": None,
    "cats_f_per_type": None,
}


def check_threshold(threshold: float) -> None:
    """Check that a threshold is from 0 to 1 (E413)."""
    check_number("threshold", threshold, lambda x: 0 <= x <= 1, "from 0 to 1")


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
        threshold: Minimum score of a positive label in multi-label scoring.
        kwargs: Further settings of the component.

    Returns:
        The scores of spaCy's text categorizers; for a regression the mean squared error
        (`cats_mse`), and Pearson's correlation, averaged over the labels, as `cats_score`. Labels
        without a gold score are left out.
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
    errors: list[float] = []
    correlations: list[float] = []
    for label in labels:
        known = [example for example in examples if label in example.reference.cats]
        gold = np.array([example.reference.cats[label] for example in known])
        predicted = np.array([example.predicted.cats.get(label, 0.0) for example in known])
        errors.extend((gold - predicted) ** 2)
        if known:
            correlations.append(_pearson(gold, predicted))
    if not correlations:
        return {"cats_score": None, "cats_mse": None}
    return {
        "cats_score": float(np.mean(correlations)),
        "cats_score_desc": "Pearson's correlation",
        "cats_mse": float(np.mean(errors)),
    }


def _pearson(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation, or 0 if one of the two is constant."""
    if gold.std() == 0 or predicted.std() == 0:
        return 0.0
    return float(np.corrcoef(gold, predicted)[0, 1])

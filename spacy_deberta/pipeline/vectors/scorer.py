"""Scores of `deberta_vectors`."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from spacy.training import Example

from spacy_deberta.arrays import Array
from spacy_deberta.corpora import get_text_pair

# Key of the predicted cosine in `doc.user_data`.
SIMILARITY = "spacy_deberta.similarity"


def make_vectors_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer `spacy-deberta.vectors_scorer.v1`.

    RETURNS (Callable[..., dict[str, Any]]): The scoring method.

    DOCS: docs/api/vectors.md#vectors_scorer
    """
    return score_similarities


def score_similarities(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score the similarity of pairs of texts.

    Args:
        examples: Predicted documents with a similarity, and gold ones with a pair.
        kwargs: Settings of the component.

    Returns:
        `sim_spearman`, the rank correlation of cosines and scores, and `sim_pearson`, the linear
        one; None if there are less than two pairs, or all have one score.
    """
    cosines, scores = [], []
    for example in examples:
        pair = get_text_pair(example.reference)
        user_data: dict[Any, Any] = example.predicted.user_data
        if pair is not None and SIMILARITY in user_data:
            cosines.append(user_data[SIMILARITY])
            scores.append(pair["score"])
    return {
        "sim_spearman": correlation(rank(np.array(cosines)), rank(np.array(scores))),
        "sim_pearson": correlation(np.array(cosines), np.array(scores)),
    }


def correlation(one: Array, two: Array) -> float | None:
    """The correlation coefficient, or None if a side has no variance."""
    if len(one) < 2 or not one.std() or not two.std():
        return None
    return float(np.corrcoef(one, two)[0, 1])


def rank(values: Array) -> Array:
    """The rank of each value; equal values have the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse] if len(values) else values

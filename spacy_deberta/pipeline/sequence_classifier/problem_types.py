"""Problem types of a sequence classifier: scores, gold scores and losses."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from spacy_deberta.arrays import Array
from spacy_deberta.nn import DebertaV2Config

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


def problem_type_of(config: DebertaV2Config) -> str:
    """The problem type of a checkpoint, by its config or else its number of labels.

    Args:
        config: Its config.

    Returns:
        One of `PROBLEM_TYPES`.

    Source:
        The choice of a loss in Hugging Face's `DebertaV2ForSequenceClassification`.
    """
    if config.problem_type is not None:
        return config.problem_type
    return "regression" if config.num_labels == 1 else "single_label_classification"


def scores_of(logits: torch.Tensor, problem_type: str) -> Array:
    """Normalize the outputs of a sequence classifier.

    Args:
        logits: `(texts, labels)`, float32.
        problem_type: One of `PROBLEM_TYPES`.

    Returns:
        `(texts, labels)`: the logits for a regression; independent scores from 0 to 1 for
        multi-label; scores from 0 to 1 that sum to 1 for a single label.
    """
    if problem_type == "multi_label_classification":
        logits = logits.sigmoid()
    elif problem_type == "single_label_classification":
        logits = logits.softmax(-1)
    return np.asarray(logits)


def gold_scores(
    cats: Sequence[Mapping[str, float]], labels: Sequence[str], problem_type: str
) -> torch.Tensor:
    """Make the gold scores of texts.

    Args:
        cats: `doc.cats` of each text.
        labels: The labels of the classifier.
        problem_type: One of `PROBLEM_TYPES`.

    Returns:
        `(texts, labels)`, float32. A label that is not in `cats` has the score 0, or in a
        regression, where it is unknown, NaN.
    """
    missing = float("nan") if problem_type == "regression" else 0.0
    rows = [[float(values.get(label, missing)) for label in labels] for values in cats]
    return torch.tensor(rows).reshape(len(rows), len(labels))


def scores_loss(logits: torch.Tensor, gold: torch.Tensor, problem_type: str) -> torch.Tensor:
    """Compute the loss of a sequence classifier.

    Args:
        logits: Its outputs, `(texts, labels)`, float32.
        gold: The output of `gold_scores` for the texts.
        problem_type: One of `PROBLEM_TYPES`.

    Returns:
        A scalar.

    Source:
        The losses of Hugging Face's `DebertaV2ForSequenceClassification`.
    """
    if problem_type == "regression":
        known = ~gold.isnan()
        return torch.nn.functional.mse_loss(logits[known], gold[known])
    if problem_type == "multi_label_classification":
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, gold)
    return torch.nn.functional.cross_entropy(logits, gold.argmax(1))

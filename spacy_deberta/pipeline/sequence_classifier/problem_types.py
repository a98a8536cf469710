"""What the outputs of a sequence classifier mean."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from spacy_deberta.arrays import Array
from spacy_deberta.nn import DebertaV2Config

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


def problem_type_of(config: DebertaV2Config) -> str:
    """What a checkpoint was trained for, if only by the number of its labels.

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
        `(texts, labels)`: the numbers themselves for a regression; from 0 to 1 each for several
        labels; from 0 to 1 and 1 in sum for one label.
    """
    if problem_type == "multi_label_classification":
        logits = logits.sigmoid()
    elif problem_type == "single_label_classification":
        logits = logits.softmax(-1)
    return np.asarray(logits)


def gold_scores(
    cats: Sequence[Mapping[str, float]], labels: Sequence[str], problem_type: str
) -> torch.Tensor:
    """What a classifier shall say of texts.

    Args:
        cats: `doc.cats` of each text.
        labels: The labels of the classifier.
        problem_type: One of `PROBLEM_TYPES`.

    Returns:
        `(texts, labels)`, float32. A label that is not in `cats` is not one of the text: 0. A
        number that is not there is unknown: NaN.
    """
    missing = float("nan") if problem_type == "regression" else 0.0
    rows = [[float(values.get(label, missing)) for label in labels] for values in cats]
    return torch.tensor(rows).reshape(len(rows), len(labels))


def scores_loss(logits: torch.Tensor, gold: torch.Tensor, problem_type: str) -> torch.Tensor:
    """Compute the loss of a sequence classifier.

    Args:
        logits: Its outputs, `(texts, labels)`, float32.
        gold: What `gold_scores` gives for the texts.
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

"""What the outputs of a sequence classifier mean."""

import numpy as np
import torch

from spacy_deberta.layers import Array, DebertaV2Config

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

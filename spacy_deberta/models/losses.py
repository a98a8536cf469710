"""What heads are trained with."""

import torch
from torch import Tensor
from torch.nn import functional

from .with_head import check_shape

# The label of what doesn't count, as everywhere in torch.
IGNORED = -100


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of the labels that count.

    Args:
        logits: (rows, classes), of any floating-point type; the loss is float32 at least.
        labels: (rows,) int64, -100 for what doesn't count.

    Returns:
        Scalar. 0 if nothing counts: torch would say NaN, and one batch without a label would
        ruin the weights.
    """
    summed = functional.cross_entropy(
        _precise(logits), labels.long(), ignore_index=IGNORED, reduction="sum"
    )
    return summed / (labels != IGNORED).sum().clamp(min=1)


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross entropy of the labels that count.

    Args:
        logits: (rows,), of any floating-point type; the loss is float32 at least.
        labels: (rows,), 0 or 1 of any type, -100 for what doesn't count.

    Returns:
        Scalar. 0 if nothing counts.
    """
    counts = labels != IGNORED
    each = functional.binary_cross_entropy_with_logits(
        _precise(logits), labels.to(_precise(logits).dtype).clamp(min=0), reduction="none"
    )
    return each.masked_fill(~counts, 0.0).sum() / counts.sum().clamp(min=1)


def sequence_loss(logits: Tensor, labels: Tensor, problem_type: str | None) -> Tensor:
    """The loss of a sequence classifier.

    Args:
        logits: (sequences, num_labels).
        labels: For regression, (sequences, num_labels) of any type, or (sequences,) for one
            number each. For a single label, (sequences,) or (sequences, 1), a class each, and
            below 0 for sequences that don't count. For multiple labels, (sequences, num_labels),
            0 or 1 each. Without a problem type, (sequences, num_labels) are the probabilities of a
            distribution over classes.
        problem_type: As a config has it. None is regression for one label, and else a single label
            or a distribution, by the shape of the labels.

    Returns:
        Scalar: the mean squared error, cross entropy or binary cross entropy.

    Raises:
        ValueError: If the labels have another shape (E117).

    Source: the losses of Hugging Face's `DebertaV2ForSequenceClassification`.
    """
    logits = _precise(logits)
    sequences, num_labels = logits.shape
    if problem_type == "regression" or (problem_type is None and num_labels == 1):
        if num_labels == 1 and labels.numel() == sequences:
            labels = labels.reshape(sequences, 1)
        check_shape("labels", labels, (sequences, num_labels))
        return functional.mse_loss(logits, labels.to(logits.dtype))
    single = labels.dim() == 1 or labels.shape[-1] == 1
    if problem_type == "single_label_classification" or (problem_type is None and single):
        if labels.numel() == sequences:
            labels = labels.reshape(sequences)
        check_shape("labels", labels, (sequences,))
        labels = labels.long()
        return cross_entropy(logits, labels.masked_fill(labels < 0, IGNORED))
    check_shape("labels", labels, (sequences, num_labels))
    if problem_type is None:
        return -(functional.log_softmax(logits, dim=-1) * labels).sum(-1).mean()
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


def _precise(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits

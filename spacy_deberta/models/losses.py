"""Losses of the heads."""

import torch
from torch import Tensor
from torch.nn import functional

from spacy_deberta.errors import Errors

from .with_head import check_shape

# The label that is ignored, as in torch.
IGNORED = -100


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy, without ignored labels.

    Args:
        logits: (rows, classes) of any floating-point dtype; the loss is at least float32.
        labels: (rows,) int64, -100 to ignore a row.

    Returns:
        Scalar. 0 if all rows are ignored: torch returns NaN, and one batch without a label would
        ruin the weights.

    Raises:
        ValueError: A label is out of range (E413). Only on the CPU: elsewhere a check would
            synchronize the device.
    """
    check_labels(labels, logits.shape[-1] - 1)
    summed = functional.cross_entropy(
        _at_least_float32(logits), labels.long(), ignore_index=IGNORED, reduction="sum"
    )
    return summed / (labels != IGNORED).sum().clamp(min=1)


def binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross entropy, without ignored labels.

    Args:
        logits: (rows,) of any floating-point dtype; the loss is at least float32.
        labels: (rows,) of any dtype, 0 or 1, -100 to ignore a row.

    Returns:
        Scalar. 0 if all rows are ignored.

    Raises:
        ValueError: As `cross_entropy`.
    """
    check_labels(labels, 1)
    counts = labels != IGNORED
    each = functional.binary_cross_entropy_with_logits(
        _at_least_float32(logits),
        labels.to(_at_least_float32(logits).dtype).clamp(min=0),
        reduction="none",
    )
    return each.masked_fill(~counts, 0.0).sum() / counts.sum().clamp(min=1)


def sequence_loss(logits: Tensor, labels: Tensor, problem_type: str | None) -> Tensor:
    """The loss of a sequence classifier.

    Args:
        logits: (sequences, num_labels).
        labels: For regression, (sequences, num_labels) of any dtype, or (sequences,) for one target
            each. For a single label, class indices of (sequences,) or (sequences, 1), negative to
            ignore a sequence. For multiple labels, (sequences, num_labels) of 0 or 1. Without a
            problem type, (sequences, num_labels) are class probabilities.
        problem_type: As in the config. None means regression for one label, otherwise a single
            label or class probabilities, by the shape of the labels.

    Returns:
        Scalar: the mean squared error, cross entropy or binary cross entropy.

    Raises:
        ValueError: If the labels have another shape (E117), or are out of range (E413).

    Source: The losses of Hugging Face's `DebertaV2ForSequenceClassification`.
    """
    logits = _at_least_float32(logits)
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
    check_labels(labels, 1, ignored=False)
    if problem_type is None:
        return -(functional.log_softmax(logits, dim=-1) * labels).sum(-1).mean()
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


def check_labels(labels: Tensor, last: int, *, ignored: bool = True) -> None:
    """Check labels on the CPU.

    Args:
        labels: Of any shape and dtype.
        last: The largest one.
        ignored: Whether -100 stands for what is ignored.

    Raises:
        ValueError: One is out of range (E413).
    """
    if labels.device.type != "cpu":
        return
    is_wrong = (labels < 0) | (labels > last)
    if ignored:
        is_wrong &= labels != IGNORED
    wrong = labels[is_wrong]
    if len(wrong):
        condition = f"from 0 to {last}" + f", or {IGNORED} for what is ignored" * ignored
        raise ValueError(
            Errors.E413.format(name="labels", value=wrong[0].item(), condition=condition)
        )


def _at_least_float32(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits

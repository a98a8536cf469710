"""The loss of a GLiNER: a focal loss of each pair of a span, or a word, and a label."""

from dataclasses import dataclass

import torch
from torch import Tensor

REDUCTIONS = ("sum", "mean")
# The smallest probability of which the logarithm is taken.
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class FocalLoss:
    """A binary cross entropy that gives less weight to what is easy.

    Args:
        alpha: Weight of positives, and `1 - alpha` of negatives; None for 1 for both.
        gamma: Exponent of the weight `(1 - p) ** gamma`, where `p` is the probability of the
            correct answer; 0 for the same weight for all.
        label_smoothing: Share of each target that is replaced by 0.5.
        prob_margin: Probability that negatives may have without a loss.
        reduction: "sum", or "mean" for the sum divided by the number of spans, or of pairs of words
            and labels.

    Source: Lin et al. 2017 (arXiv 1708.02002), section 3; `focal_loss_with_logits` of gliner
        0.2.29.
    """

    alpha: float | None = None
    gamma: float = 0.0
    label_smoothing: float = 0.0
    prob_margin: float = 0.0
    reduction: str = "sum"

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: (spans, labels) of a span model, or (pairs, 3) of a token model, all of them
                valid, float32; or any part of them.
            targets: 0 or 1, of the same shape.

        Returns:
            Scalar: the sum.
        """
        targets = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        found = torch.sigmoid(logits)
        # Of negatives, as the margin lets them.
        wrong = (found - self.prob_margin).clamp(min=0.0)
        losses = -targets * found.clamp(min=_LEAST).log()
        losses = losses - (1 - targets) * (1 - wrong).clamp(min=_LEAST).log()
        if self.gamma > 0:
            correct = found * targets + (1 - wrong) * (1 - targets)
            losses = losses * (1 - correct) ** self.gamma
        if self.alpha is not None:
            losses = losses * (self.alpha * targets + (1 - self.alpha) * (1 - targets))
        return losses.sum()

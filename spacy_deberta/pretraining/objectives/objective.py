"""What is learned in pretraining, as the loop sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from spacy_deberta.pretraining.masking.masking import Masking
from spacy_deberta.tokenization import DebertaV2Tokenizer

from .masked_batch import MaskedBatch


@dataclass(frozen=True, eq=False, kw_only=True)
class PhaseOutput:
    """What one pass over a batch gives.

    Attributes:
        loss: Sum over everything that counts, a scalar of float32.
        right: How many predictions were right, a scalar.
        hits: For rarer classes than the others, how many of them were found, and how many there
            were, scalars; None where all are alike.
        batch: What the next phase gets.
    """

    loss: Tensor
    right: Tensor
    hits: tuple[Tensor, Tensor] | None = None
    batch: MaskedBatch


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of the objective with an optimizer of its own.

    Attributes:
        name: Such as "generator".
        module: What it trains.
        loss_weight: What its loss is multiplied with.
        learn_rate: Of its own; None for that of the others.
    """

    name: str
    module: nn.Module
    loss_weight: float = 1.0
    learn_rate: float | None = None


class Objective(Protocol):
    """Models, and how they learn from a batch, phase after phase.

    Attributes:
        masking: How batches are masked.
        modules: All models by name, for their weights.
        phases: In the order in which they run. Each one's optimizer makes its step before the next
            phase begins.
    """

    masking: Masking
    modules: Mapping[str, nn.Module]
    phases: tuple[Phase, ...]

    def counted(self, phase: Phase, batch: MaskedBatch) -> int:
        """How many predictions of a batch count in a phase, without waiting for a device."""

    def run(self, phase: Phase, batch: MaskedBatch) -> PhaseOutput:
        """Predict."""

    def save(self, folder: Path, tokenizer: DebertaV2Tokenizer) -> None:
        """Write the models as checkpoints that go on from here: see `save_checkpoint`."""

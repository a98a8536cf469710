"""The interface of a pretraining objective."""

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
    """The output of a phase for one batch.

    Attributes:
        loss: Sum over all counted predictions, a float32 scalar.
        correct: Number of correct predictions, a scalar.
        hits: True positives and positives of a rare class, scalars; None without a rare class.
        batch: The input of the next phase.
    """

    loss: Tensor
    correct: Tensor
    hits: tuple[Tensor, Tensor] | None = None
    batch: MaskedBatch


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of the objective with its own optimizer.

    Attributes:
        name: Such as "generator".
        module: The module that it trains.
        loss_weight: Factor on its loss.
        learn_rate: Its learning rate; None for that of the settings.
    """

    name: str
    module: nn.Module
    loss_weight: float = 1.0
    learn_rate: float | None = None


class Objective(Protocol):
    """Models, and the phases that train them on a batch.

    Attributes:
        masking: How batches are masked.
        modules: All models by name, for their weights.
        phases: In the order in which they run. The optimizer of a phase makes its step before the
            next phase begins.
    """

    masking: Masking
    modules: Mapping[str, nn.Module]
    phases: tuple[Phase, ...]

    def counted(self, phase: Phase, batch: MaskedBatch) -> int:
        """Number of predictions of a batch in a phase, without synchronizing with a device."""

    def run(self, phase: Phase, batch: MaskedBatch) -> PhaseOutput:
        """Run the forward pass of a phase."""

    def save(self, folder: Path, tokenizer: DebertaV2Tokenizer) -> None:
        """Write the models as checkpoints to continue from: see `save_checkpoint`."""

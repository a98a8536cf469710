"""Losses and scores, accumulated on the device."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from spacy_deberta.distributed import Processes
from spacy_deberta.pretraining.objectives.objective import PhaseOutput


@dataclass(frozen=True, kw_only=True)
class PhaseScores:
    """Scores of a phase.

    Attributes:
        loss: Mean over all counted predictions.
        accuracy: Share of correct predictions.
        recall: Recall of the rare class; None without one.
    """

    loss: float
    accuracy: float
    recall: float | None


@dataclass(eq=False)
class PhaseMetrics:
    """Sums over the batches of a phase, on the device until they are read.

    Attributes:
        sums: Loss, correct predictions, true positives and positives of the rare class, (4,)
            float64, or None at first.
        counted: Number of predictions.
    """

    sums: Tensor | None = None
    counted: int = 0

    def add(self, output: PhaseOutput, counted: int) -> None:
        """Add the output of a batch, without synchronizing with the device."""
        zero = output.loss.new_zeros(())
        parts = (output.loss.detach(), output.correct, *(output.hits or (zero, zero)))
        sums = torch.stack([part.double() for part in parts])
        self.sums = sums if self.sums is None else self.sums + sums
        self.counted += counted

    def scores(self, processes: Processes) -> PhaseScores:
        """All-reduce the sums and read them, which synchronizes with the device."""
        device = processes.device
        sums = torch.zeros(4, dtype=torch.float64, device=device)
        sums = sums if self.sums is None else self.sums
        whole = torch.cat([sums, torch.tensor([float(self.counted)], device=device).double()])
        loss, correct, found, rare, counted = processes.all_reduce(whole).tolist()
        return PhaseScores(
            loss=loss / max(1.0, counted),
            accuracy=correct / max(1.0, counted),
            recall=found / rare if rare else None,
        )


@dataclass(eq=False)
class Metrics:
    """The metrics of all phases, by name."""

    phases: dict[str, PhaseMetrics] = field(default_factory=dict)

    def add(self, phase: str, output: PhaseOutput, counted: int) -> None:
        """Add the output of a batch."""
        self.phases.setdefault(phase, PhaseMetrics()).add(output, counted)

    def scores(self, processes: Processes) -> dict[str, PhaseScores]:
        """The scores of all phases: see `PhaseMetrics.scores`."""
        return {name: metrics.scores(processes) for name, metrics in self.phases.items()}

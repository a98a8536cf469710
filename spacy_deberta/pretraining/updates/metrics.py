"""Losses and scores, added up where they are computed and read seldom."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from spacy_deberta.distributed import Processes
from spacy_deberta.pretraining.objectives.objective import PhaseOutput


@dataclass(frozen=True, kw_only=True)
class PhaseScores:
    """How a phase does.

    Attributes:
        loss: Mean over what counts.
        accuracy: Share of right predictions.
        recall: Of rarer classes than the others, the share that was found; None without any.
    """

    loss: float
    accuracy: float
    recall: float | None


@dataclass(eq=False)
class PhaseMetrics:
    """Sums over the batches of a phase, on the device until somebody asks.

    Attributes:
        sums: Loss, right predictions, rare ones found, rare ones; (4,) float64 where the device has
            it, or None at first.
        counted: How many predictions there were.
    """

    sums: Tensor | None = None
    counted: int = 0

    def add(self, output: PhaseOutput, counted: int) -> None:
        """Add the output of a batch. Nothing waits for the device."""
        zero = output.loss.new_zeros(())
        parts = (output.loss.detach(), output.right, *(output.hits or (zero, zero)))
        sums = torch.stack([part.double() for part in parts])
        self.sums = sums if self.sums is None else self.sums + sums
        self.counted += counted

    def scores(self, processes: Processes) -> PhaseScores:
        """Read the sums of all processes together; this waits for the device."""
        device = processes.device
        sums = torch.zeros(4, dtype=torch.float64, device=device)
        sums = sums if self.sums is None else self.sums
        whole = torch.cat([sums, torch.tensor([float(self.counted)], device=device).double()])
        loss, right, found, rare, counted = processes.sum_over(whole).tolist()
        return PhaseScores(
            loss=loss / max(1.0, counted),
            accuracy=right / max(1.0, counted),
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
        """Read everything: see `PhaseMetrics.scores`."""
        return {name: metrics.scores(processes) for name, metrics in self.phases.items()}

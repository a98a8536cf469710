"""One update: all phases in order, each with its own optimizer."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from spacy_deberta.distributed import Processes
from spacy_deberta.nn import Precision
from spacy_deberta.pretraining.counter_random import hash_keys
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.objectives.objective import Objective, Phase
from spacy_deberta.pretraining.settings import OptimizerSettings, PretrainingSettings

from .metrics import Metrics
from .optimization import make_optimizer, optimizer_tensors, set_learn_rate

# Key of the random numbers of dropout; distinct from those of masking.
_DROPOUT = 7


class Trainer:
    """The training state: weights, optimizers, step and position.

    Args:
        objective: Its models are moved to the device.
        settings: How to train.
        optimizer_settings: Settings of the optimizers.
        processes: The processes of the training.

    Attributes:
        step: Number of updates.
        position: Position in the stream of sequences.
        metrics: Losses and scores since they were last read.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        settings: PretrainingSettings,
        optimizer_settings: OptimizerSettings,
        processes: Processes,
    ) -> None:
        self.objective = objective
        self.settings = settings
        self.optimizer_settings = optimizer_settings
        self.processes = processes
        self.step = 0
        self.position = 0
        self.metrics = Metrics()
        self._losses: list[tuple[int, torch.Tensor]] = []
        for module in objective.modules.values():
            module.to(processes.device)
        self.optimizers = {
            phase.name: make_optimizer(phase, optimizer_settings) for phase in objective.phases
        }

    def update(
        self,
        batches: Sequence[MaskedBatch],
        *,
        next_position: int,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Run all phases, each with its optimizer step.

        Args:
            batches: This rank's micro-batches.
            next_position: Position of the stream after them.
            progress: Called after every micro-batch of a phase, with the share of the update that
                is done.
        """
        # The same dropout masks after a restart, and other ones on every rank.
        seed = hash_keys(self.settings.seed, self.step, self.processes.rank, _DROPOUT)
        torch.manual_seed(int(seed >> 1))
        for module in self.objective.modules.values():
            module.train()
        phases = self.objective.phases
        for number, phase in enumerate(phases):
            following = []
            for batch in self._run_phase(phase, batches):
                following.append(batch)
                if progress is not None:
                    done = number + len(following) / len(batches)
                    progress(done / len(phases))
            batches = following
            self._make_step(phase)
        self.step += 1
        self.position = next_position

    def first_bad_step(self) -> int | None:
        """The first update since the last call with a non-finite loss, the same on all ranks.

        This synchronizes with the device.
        """
        steps = [step for step, _ in self._losses]
        finite = torch.stack([loss.isfinite() for _, loss in self._losses]) if steps else None
        self._losses = []
        if finite is None:
            return None
        bad = self.processes.all_reduce((~finite).long()).nonzero()
        return steps[int(bad[0])] if len(bad) else None

    def is_finite(self) -> bool:
        """Whether weights and optimizer state are finite on this rank.

        This synchronizes with the device.
        """
        states = [
            *(module.state_dict() for module in self.objective.modules.values()),
            *(optimizer_tensors(optimizer) for optimizer in self.optimizers.values()),
        ]
        tensors = [tensor for state in states for tensor in state.values()]
        finite = [tensor.isfinite().all().to(self.processes.device) for tensor in tensors]
        return bool(torch.stack(finite).all())

    def _run_phase(self, phase: Phase, batches: Sequence[MaskedBatch]) -> Iterator[MaskedBatch]:
        """Add the gradients of each batch, and yield the batch of the next phase."""
        counts = [self.objective.counted(phase, batch) for batch in batches]
        total = self._sum_counts(sum(counts))
        device = self.processes.device
        precision = Precision.named(self.settings.precision, device)
        for batch, counted in zip(batches, counts, strict=True):
            with precision.active(device):
                output = self.objective.run(phase, batch)
            # The mean over the whole update, for any micro-batches and shards.
            (output.loss * (phase.loss_weight / max(1, total))).backward()
            self._losses.append((self.step, output.loss.detach()))
            self.metrics.add(phase.name, output, counted)
            yield output.batch

    def _sum_counts(self, counted: int) -> int:
        if self.processes.count == 1:
            return counted
        counts = torch.tensor([counted], device=self.processes.device)
        return int(self.processes.all_reduce(counts))

    def _make_step(self, phase: Phase) -> None:
        settings, optimizer = self.optimizer_settings, self.optimizers[phase.name]
        parameters = list(phase.module.parameters())
        self.processes.all_reduce_gradients(parameters)
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(parameters, settings.grad_clip)
        learn_rate = settings.learn_rate_at(
            self.step, max_steps=self.settings.max_steps, highest=phase.learn_rate
        )
        set_learn_rate(optimizer, learn_rate)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

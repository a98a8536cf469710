"""How the models do on text that they don't learn from."""

from collections.abc import Sequence

import torch

from spacy_deberta.distributed import Processes
from spacy_deberta.nn import Precision
from spacy_deberta.pretraining.objectives.masked_batch import MaskedBatch
from spacy_deberta.pretraining.objectives.objective import Objective

from .metrics import Metrics, PhaseScores


def evaluate(
    objective: Objective,
    batches: Sequence[MaskedBatch],
    *,
    precision: str,
    processes: Processes,
) -> dict[str, PhaseScores]:
    """Run all phases without learning.

    Args:
        objective: Its models; they are in evaluation mode afterwards.
        batches: The share of this process.
        precision: See `PretrainingSettings`.
        processes: Who evaluates together.

    Returns:
        Scores of every phase, over what all processes have.
    """
    for module in objective.modules.values():
        module.eval()
    metrics, device = Metrics(), processes.device
    with torch.no_grad(), Precision.named(precision, device).active(device):
        for batch in batches:
            for phase in objective.phases:
                output = objective.run(phase, batch)
                metrics.add(phase.name, output, objective.counted(phase, batch))
                batch = output.batch
    return metrics.scores(processes)

"""Evaluate the models on held-out text."""

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
    """Run all phases without training.

    Args:
        objective: Its models are in evaluation mode afterwards.
        batches: This rank's shard.
        precision: See `PretrainingSettings`.
        processes: The processes of the evaluation.

    Returns:
        Scores of every phase, over the shards of all ranks.
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

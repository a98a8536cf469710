"""Use the loggers of `spacy train` for a pretraining."""

import sys
from collections.abc import Callable
from typing import Any

from confection import Config

from spacy_deberta.pretraining.run_folder.log import LogRow

from .config import PretrainingConfig

# The settings of a training config that spaCy's loggers read.
_TRAINING = {"score_weights": {}, "max_steps": 0, "eval_frequency": 0}


def start_logger(
    plan: PretrainingConfig, config: Config, *, enabled: bool
) -> tuple[Callable[[LogRow], None], Callable[[], None]]:
    """Start the logger of a config.

    Args:
        plan: Has the logger, and the pipeline for it.
        config: The config of the run, which the logger may store.
        enabled: False for no logger.

    Returns:
        A function to call with every row, and one to call at the end.
    """
    if plan.logger is None or not enabled:
        return (lambda row: None), (lambda: None)
    training = {**_TRAINING, "max_steps": plan.settings.max_steps}
    plan.nlp.config = plan.nlp.config.merge(config.interpolate()).merge({"training": training})
    log_step, finish = plan.logger(plan.nlp, sys.stdout, sys.stderr)

    def log(row: LogRow) -> None:
        log_step(_as_info(row))

    return log, finish


def _as_info(row: LogRow) -> dict[str, Any]:
    """A row in the format of spaCy's training loop; the score is the last phase's accuracy."""
    scores: dict[str, float] = {}
    for name, found in (row.held_out or {}).items():
        scores[f"{name}_loss"] = found.loss
        scores[f"{name}_accuracy"] = found.accuracy
        if found.recall is not None:
            scores[f"{name}_recall"] = found.recall
    last = list((row.held_out or row.training).values())[-1]
    return {
        "epoch": int(row.epoch),
        "step": row.step,
        "score": last.accuracy,
        "other_scores": scores,
        "losses": {name: found.loss for name, found in row.training.items()},
        "checkpoints": [(last.accuracy, row.step)],
        "seconds": int(row.seconds),
        "words": row.pieces,
    }
